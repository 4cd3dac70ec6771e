// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_filter.h"

#include "engine/compare/trade_off.h"
#include "engine/error.h"
#include "widgets/models/comparison_model.h"
#include "widgets/style/text.h"

#include <QRegularExpression>

#include <algorithm>

namespace widgets {
namespace {

/// Words of the filter; blanks around operators belong to the comparison.
QStringList words_of(QString text) {
  static const QRegularExpression kComparison(QStringLiteral("\\s*(<=|>=|!=|=|<|>)\\s*"));
  static const QRegularExpression kArithmetic(QStringLiteral("\\s+([-+*/^])\\s+"));
  text.replace(kComparison, QStringLiteral("\\1")).replace(kArithmetic, QStringLiteral("\\1"));
  return text.split(QLatin1Char(' '), Qt::SkipEmptyParts);
}

bool compare(double own, const QString& sign, double wanted) {
  if (sign == QLatin1String("<")) return own < wanted;
  if (sign == QLatin1String("<=")) return own <= wanted;
  if (sign == QLatin1String(">")) return own > wanted;
  if (sign == QLatin1String(">=")) return own >= wanted;
  return sign == QLatin1String("!=") ? own != wanted : own == wanted;
}

}  // namespace

ComparisonFilter::ComparisonFilter(ComparisonModel* model, QObject* parent)
    : QSortFilterProxyModel(parent), model_(model) {
  setRecursiveFilteringEnabled(true);
  setSortRole(ComparisonModel::kSortRole);
  setSourceModel(model);
}

void ComparisonFilter::setText(const QString& text) {
  terms_.clear();
  for (const QString& word : words_of(text)) terms_.push_back(termOf(word));
  invalidateFilter();
}

ComparisonFilter::Term ComparisonFilter::termOf(const QString& word) {
  Term term;
  term.word = word;
  const std::string text = word.toStdString();
  const engine::ComparisonSign sign = engine::find_comparison(text);
  if (sign.length == 0) return term;
  term.left = qt(text.substr(0, sign.at));
  term.sign = qt(text.substr(sign.at, sign.length));
  term.right = qt(text.substr(sign.at + sign.length));
  try {
    term.condition = engine::RunCondition::parse(text, "filter");
  } catch (const engine::Error& error) {
    term.problem = qt(error.problems().front().message);
  }
  return term;
}

int ComparisonFilter::columnNamed(const QString& title) const {
  for (int column = 0; column < model_->columnCount(); ++column) {
    const QString header = model_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
    if (header.compare(title, Qt::CaseInsensitive) == 0) return column;
  }
  return -1;
}

bool ComparisonFilter::isKnown(const std::string& name) const {
  if (model_->view() == nullptr) return true;
  const auto names = engine::quantity_names(model_->view()->pointers());
  return std::find(names.begin(), names.end(), name) != names.end();
}

QString ComparisonFilter::problem() const {
  for (const Term& term : terms_) {
    if (term.sign.isEmpty()) continue;
    const int column = columnNamed(term.left);
    if (column >= 0 && (is_text(model_->columnAt(column).field) ||
                        model_->columnAt(column).field == RunField::setting))
      continue;
    if (!term.problem.isEmpty()) return term.problem;
    if (column >= 0) continue;
    for (const std::string& name : term.condition->names()) {
      if (!isKnown(name)) return tr("no run has %1").arg(qt(name));
    }
  }
  return {};
}

bool ComparisonFilter::holds(int run, const Term& term) const {
  const auto at = [&](int column, int role) { return model_->indexOfRun(run, column).data(role); };
  if (term.sign.isEmpty()) {
    for (int column = 0; column < model_->columnCount(); ++column) {
      if (at(column, ComparisonModel::kTextRole)
              .toString()
              .contains(term.word, Qt::CaseInsensitive))
        return true;
    }
    return false;
  }
  const auto look = [&](const std::string& name) {
    const auto& view = *model_->view();
    return engine::quantity_of(*view.runs[static_cast<std::size_t>(run)], name,
                               view.comparison.options.statistic);
  };
  const int column = columnNamed(term.left);
  if (column < 0) return term.condition && term.condition->holds(look);
  const QString text = at(column, ComparisonModel::kTextRole).toString();
  if (model_->columnAt(column).field == RunField::tags) {
    const bool has = text.split(QStringLiteral(", ")).contains(term.right, Qt::CaseInsensitive);
    return term.sign == QLatin1String("=") ? has : term.sign == QLatin1String("!=") && !has;
  }
  const QVariant value = at(column, ComparisonModel::kSortRole);
  bool is_number = false;
  const double number = term.right.toDouble(&is_number);
  if (is_number && value.userType() == QMetaType::Double)
    return compare(value.toDouble(), term.sign, number);
  if (!is_number && value.userType() == QMetaType::Double)
    return term.condition && term.condition->holds(look);
  const bool is_equal = text.compare(term.right, Qt::CaseInsensitive) == 0;
  return term.sign == QLatin1String("=") ? is_equal : term.sign == QLatin1String("!=") && !is_equal;
}

bool ComparisonFilter::passes(int run) const {
  return std::all_of(terms_.begin(), terms_.end(),
                     [&](const Term& term) { return holds(run, term); });
}

int ComparisonFilter::found() const {
  int count = 0;
  const int runs = model_->view() == nullptr ? 0 : int(model_->view()->runs.size());
  for (int run = 0; run < runs; ++run) count += passes(run) ? 1 : 0;
  return count;
}

/// A group is there when any of its runs is.
bool ComparisonFilter::filterAcceptsRow(int row, const QModelIndex& parent) const {
  const int run = model_->runAt(model_->index(row, 0, parent));
  return run < 0 ? terms_.empty() : passes(run);
}

bool ComparisonFilter::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  const bool is_left_first = left.data(ComparisonModel::kFirstRole).toBool();
  if (is_left_first != right.data(ComparisonModel::kFirstRole).toBool())
    return (sortOrder() == Qt::AscendingOrder) == is_left_first;
  const QVariant a = left.data(ComparisonModel::kSortRole);
  const QVariant b = right.data(ComparisonModel::kSortRole);
  if (!a.isValid() || !b.isValid())  // what is not known stays at the end
    return sortOrder() == Qt::AscendingOrder ? a.isValid() && !b.isValid()
                                             : !a.isValid() && b.isValid();
  const bool are_numbers = a.userType() == QMetaType::Double && b.userType() == QMetaType::Double;
  return are_numbers ? a.toDouble() < b.toDouble()
                     : QString::localeAwareCompare(a.toString(), b.toString()) < 0;
}

}  // namespace widgets
