// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/transform_rules_model.h"

#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QFontDatabase>
#include <QPalette>

namespace widgets {

void TransformRulesModel::setView(PlanViewPtr view) {
  beginResetModel();
  view_ = std::move(view);
  order_.clear();
  if (view_ != nullptr && view_->transform != nullptr) {
    const auto& rules = view_->transform->config.rules;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].is_default() == (pass == 1)) order_.push_back(static_cast<int>(i));
      }
    }
  }
  endResetModel();
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
  const auto& counts = view_->plan.counts[position];
  if (counts.matched == 0) return Standing::no_match;
  if (counts.won == 0) return Standing::dead;
  return counts.shadowed > 0 ? Standing::partly_shadowed : Standing::alive;
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
      const auto& counts = view_->plan.counts[static_cast<std::size_t>(rule)];
      QStringList names;
      for (const int other : counts.shadowed_by) names << rule_label(*view_, other);
      lines << (standing(rule) == Standing::dead ? tr("Never reached: rule %1 takes all %2 layers.")
                                                 : tr("Rule %1 takes %2 of its layers."))
                   .arg(names.join(QStringLiteral(", ")))
                   .arg(counts.shadowed);
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
    return grouped(view_->plan.counts[static_cast<std::size_t>(rule)].*member);
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

}  // namespace widgets
