// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/transform_rules_model.h"

#include "widgets/models/rule_editor.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QFontDatabase>
#include <QMimeData>
#include <QPalette>

#include <algorithm>

namespace widgets {

const QString TransformRulesModel::kRulesMime = QStringLiteral("application/x-paradigm-rules");
const QString TransformRulesModel::kLayersMime = QStringLiteral("application/x-paradigm-layers");

TransformRulesModel::TransformRulesModel(RuleEditor* editor, QObject* parent)
    : QAbstractTableModel(parent), editor_(editor) {}

void TransformRulesModel::setView(PlanViewPtr view) {
  std::vector<int> order;
  if (view != nullptr && view->transform != nullptr) {
    const auto& rules = view->transform->config.rules;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].is_default() == (pass == 1)) order.push_back(static_cast<int>(i));
      }
    }
  }
  preview_.reset();
  if (order == order_ && !order.empty()) {
    view_ = std::move(view);
    Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, kColumns - 1));
    return;
  }
  beginResetModel();
  view_ = std::move(view);
  order_ = std::move(order);
  endResetModel();
}

void TransformRulesModel::setPreview(PlanViewPtr preview, int from, int to) {
  const bool fits = preview != nullptr && view_ != nullptr && view_->has_plan() &&
                    preview->has_plan() && preview->plan.counts.size() == view_->plan.counts.size();
  if (!fits && preview_ == nullptr) return;
  preview_ = fits ? std::move(preview) : nullptr;
  preview_from_ = from;
  preview_to_ = to;
  Q_EMIT dataChanged(index(0, kMatched), index(rowCount() - 1, kColumns - 1));
}

const engine::RuleCounts& TransformRulesModel::counts(int rule) const {
  if (preview_ == nullptr) return view_->plan.counts[static_cast<std::size_t>(rule)];
  int moved = rule;
  if (rule == preview_from_) {
    moved = preview_to_;
  } else {
    if (rule > preview_from_) --moved;
    if (moved >= preview_to_) ++moved;
  }
  return preview_->plan.counts[static_cast<std::size_t>(moved)];
}

int TransformRulesModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(order_.size());
}

int TransformRulesModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumns;
}

TransformRulesModel::Standing TransformRulesModel::standing(int rule) const {
  const auto position = static_cast<std::size_t>(rule);
  if (!view_->has_plan() || position >= view_->plan.counts.size()) return Standing::unknown;
  const auto& now = counts(rule);
  if (now.matched == 0) return Standing::no_match;
  if (now.won == 0) return Standing::dead;
  return now.shadowed > 0 ? Standing::partly_shadowed : Standing::alive;
}

QStringList TransformRulesModel::layersWonBy(int rule) const {
  QStringList layers;
  for (const auto& one : view_->plan.assignments) {
    if (one.rule == rule) layers << QString::fromStdString(one.layer);
  }
  return layers;
}

QString TransformRulesModel::toolTip(int rule) const {
  const auto& written = *view_->rule(rule);
  QStringList lines;
  lines << QStringLiteral("<code>%1</code>")
               .arg(QString::fromStdString(written.pattern).toHtmlEscaped());
  if (written.place.line > 0) {
    lines << QString::fromStdString(engine::to_string(written.place)).toHtmlEscaped();
  }
  if (written.is_default()) lines << tr("The fallback; its place in the file does not matter.");
  if (written.leave_alone) lines << tr("Leaves its layers alone.");
  switch (standing(rule)) {
    case Standing::no_match:
      lines << (written.is_default() ? tr("No layer falls through to it.")
                                     : tr("Matches none of %n layers.", "",
                                          static_cast<int>(view_->plan.assignments.size())));
      break;
    case Standing::dead:
    case Standing::partly_shadowed: {
      const auto& now = counts(rule);
      QStringList names;
      for (const int other : now.shadowed_by) names << rule_label(*view_, other);
      lines << (standing(rule) == Standing::dead ? tr("Never reached: rule %1 takes all %2 layers.")
                                                 : tr("Rule %1 takes %2 of its layers."))
                   .arg(names.join(QStringLiteral(", ")))
                   .arg(now.shadowed);
      break;
    }
    case Standing::alive:
    case Standing::unknown:
      break;
  }
  if (!written.leave_alone) lines << values_text(written.values).toHtmlEscaped();
  return lines.join(QStringLiteral("<br>"));
}

QVariant TransformRulesModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || view_ == nullptr) return {};
  const int rule = order_[static_cast<std::size_t>(index.row())];
  const auto& written = *view_->rule(rule);
  const bool counted = view_->has_plan();
  const auto count = [&](int engine::RuleCounts::*member) -> QVariant {
    if (!counted) return QStringLiteral("–");
    return grouped(counts(rule).*member);
  };
  const bool is_count = index.column() >= kMatched;
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case kNumber:
          return written.is_default() ? QStringLiteral("↳") : rule_label(*view_, rule);
        case kPattern:
          return QString::fromStdString(written.pattern);
        case kParadigm:
          return written.leave_alone ? tr("leave alone") : QString::fromStdString(written.paradigm);
        case kValues:
          return values_text(written.values);
        case kMatched:
          return written.is_default() ? QVariant(QStringLiteral("–"))
                                      : count(&engine::RuleCounts::matched);
        case kWon:
          return count(&engine::RuleCounts::won);
        case kShadowed:
          return written.is_default() ? QVariant(QStringLiteral("–"))
                                      : count(&engine::RuleCounts::shadowed);
        default:
          return {};
      }
    case Qt::TextAlignmentRole:
      return int((is_count || index.column() == kNumber ? Qt::AlignRight : Qt::AlignLeft) |
                 Qt::AlignVCenter);
    case Qt::FontRole:
      if (index.column() == kPattern) return QFontDatabase::systemFont(QFontDatabase::FixedFont);
      return {};
    case Qt::DecorationRole:
      if (index.column() != kPattern) return {};
      if (standing(rule) == Standing::dead ||
          (standing(rule) == Standing::no_match && !written.is_default())) {
        return symbol_icon(QStringLiteral("warning"), SymbolColor::warning);
      }
      return {};
    case Qt::ForegroundRole: {
      const QPalette palette = QApplication::palette();
      if (view_->is_stale) return muted_text(palette);
      if (standing(rule) == Standing::no_match && !written.is_default()) {
        return theme_colors(palette).error;
      }
      if (standing(rule) == Standing::dead ||
          (written.leave_alone && index.column() == kParadigm)) {
        return muted_text(palette);
      }
      return {};
    }
    case Qt::ToolTipRole:
      return toolTip(rule);
    case Qt::AccessibleTextRole:
      if (index.column() == kNumber && written.is_default()) return tr("default");
      return data(index, Qt::DisplayRole);
    case Qt::EditRole:
      return QString::fromStdString(written.pattern);
    case kRuleRole:
      return rule;
    case kLayersRole:
      return counted ? layersWonBy(rule) : QStringList();
    default:
      return {};
  }
}

QVariant TransformRulesModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole) {
    return int((section >= kMatched || section == kNumber ? Qt::AlignRight : Qt::AlignLeft) |
               Qt::AlignVCenter);
  }
  if (role == Qt::ToolTipRole) {
    switch (section) {
      case kMatched:
        return tr("Layers that the pattern matches in full");
      case kWon:
        return tr("Layers for which this rule is the first that matches");
      case kShadowed:
        return tr("Layers that an earlier rule takes");
      default:
        return {};
    }
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case kNumber:
      return QStringLiteral("#");
    case kPattern:
      return tr("Pattern");
    case kParadigm:
      return tr("Paradigm");
    case kValues:
      return tr("Values");
    case kMatched:
      return tr("Matched");
    case kWon:
      return tr("Won");
    case kShadowed:
      return tr("Shadowed");
    default:
      return {};
  }
}

int TransformRulesModel::rowOf(int rule) const {
  const auto found = std::find(order_.begin(), order_.end(), rule);
  return found == order_.end() ? -1 : static_cast<int>(found - order_.begin());
}

int TransformRulesModel::ruleAtGap(int row) const {
  if (order_.empty()) return 0;
  if (row < rowCount()) {
    const int rule = order_[static_cast<std::size_t>(std::max(row, 0))];
    if (!view_->rule(rule)->is_default()) return rule;
  }
  // Behind the last rule, which may stand before `default` or after it.
  int last = -1;
  for (const int rule : order_) {
    if (!view_->rule(rule)->is_default()) last = std::max(last, rule);
  }
  return last >= 0 ? last + 1 : 0;
}

Qt::ItemFlags TransformRulesModel::flags(const QModelIndex& index) const {
  Qt::ItemFlags flags = QAbstractTableModel::flags(index);
  if (editor_ == nullptr || view_ == nullptr || view_->is_stale) return flags;
  if (!index.isValid()) return flags | Qt::ItemIsDropEnabled;
  const bool is_default = view_->rule(order_[static_cast<std::size_t>(index.row())])->is_default();
  if (is_default) return flags;
  if (takes_drops_on_rows_) flags |= Qt::ItemIsDropEnabled;
  flags |= Qt::ItemIsDragEnabled;
  if (index.column() == kPattern) flags |= Qt::ItemIsEditable;
  return flags;
}

bool TransformRulesModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (editor_ == nullptr || role != Qt::EditRole || !index.isValid()) return false;
  const int rule = order_[static_cast<std::size_t>(index.row())];
  const QString pattern = value.toString();
  if (pattern == QString::fromStdString(view_->rule(rule)->pattern)) return true;
  return editor_->setPattern(rule, pattern);
}

QStringList TransformRulesModel::mimeTypes() const { return {kRulesMime, kLayersMime}; }

QMimeData* TransformRulesModel::mimeData(const QModelIndexList& indexes) const {
  auto* data = new QMimeData;
  if (!indexes.isEmpty()) {
    const int rule = indexes.front().data(kRuleRole).toInt();
    data->setData(kRulesMime, QByteArray::number(rule));
    data->setText(QString::fromStdString(view_->rule(rule)->pattern));
  }
  return data;
}

Qt::DropActions TransformRulesModel::supportedDropActions() const {
  return Qt::MoveAction | Qt::CopyAction;
}

bool TransformRulesModel::canDropMimeData(const QMimeData* data, Qt::DropAction, int, int,
                                          const QModelIndex& parent) const {
  if (editor_ == nullptr || view_ == nullptr || view_->is_stale) return false;
  if (data->hasFormat(kLayersMime)) return true;
  return data->hasFormat(kRulesMime) && !parent.isValid();
}

bool TransformRulesModel::dropMimeData(const QMimeData* data, Qt::DropAction action, int row,
                                       int column, const QModelIndex& parent) {
  if (!canDropMimeData(data, action, row, column, parent)) return false;
  if (data->hasFormat(kLayersMime)) {
    const QStringList layers =
        QString::fromUtf8(data->data(kLayersMime)).split(QLatin1Char('\n'), Qt::SkipEmptyParts);
    if (parent.isValid()) {
      Q_EMIT layersDroppedOn(layers, parent.siblingAtColumn(0).data(kRuleRole).toInt());
    } else {
      Q_EMIT layersDropped(layers, ruleAtGap(row < 0 ? rowCount() : row));
    }
    return true;
  }
  const int from = data->data(kRulesMime).toInt();
  int to = ruleAtGap(row < 0 ? rowCount() : row);
  if (to > from) --to;
  if (to != from && editor_->move(from, to)) Q_EMIT ruleMoved(to);
  return false;  // the rows are already where they belong: the view must remove none
}

}  // namespace widgets
