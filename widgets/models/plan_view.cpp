// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/plan_view.h"

#include <QObject>
#include <QStringList>

#include <algorithm>

namespace widgets {

const engine::TransformRule* PlanView::rule(int index) const {
  if (transform == nullptr || index < 0) return nullptr;
  const auto& rules = transform->config.rules;
  const auto position = static_cast<std::size_t>(index);
  return position < rules.size() ? &rules[position] : nullptr;
}

PlanViewPtr make_plan_view(std::shared_ptr<const OpenCheckpoint> checkpoint,
                           std::shared_ptr<const engine::ParsedTransform> transform,
                           const std::vector<engine::ParadigmInfo>& infos) {
  auto view = std::make_shared<PlanView>();
  view->checkpoint = std::move(checkpoint);
  view->transform = std::move(transform);
  if (view->transform != nullptr) view->problems = view->transform->problems;
  if (view->has_plan()) {
    view->plan = plan_transform(view->checkpoint->inventory, view->transform->config, infos);
    view->problems.insert(view->problems.end(), view->plan.problems.begin(),
                          view->plan.problems.end());
  }
  return view;
}

QString rule_label(const PlanView& view, int rule) {
  const auto* found = view.rule(rule);
  if (found != nullptr && found->is_default()) return QObject::tr("default");
  int number = rule + 1;
  for (int before = 0; before < rule; ++before) {
    const auto* earlier = view.rule(before);
    if (earlier != nullptr && earlier->is_default()) --number;
  }
  return QString::number(number);
}

QString trail_text(const PlanView& view, const engine::Assignment& assignment) {
  QStringList lines;
  lines
      << QStringLiteral("<b>%1</b>").arg(QString::fromStdString(assignment.layer).toHtmlEscaped());
  const auto name = [&view](int rule) {
    const auto* found = view.rule(rule);
    const QString pattern =
        found != nullptr ? QString::fromStdString(found->pattern).toHtmlEscaped() : QString();
    if (found != nullptr && found->is_default()) return QObject::tr("default");
    return QObject::tr("rule %1 <code>%2</code>").arg(rule_label(view, rule), pattern);
  };
  switch (assignment.outcome) {
    case engine::Outcome::unmatched:
      lines << QObject::tr("matches no rule, and there is no default");
      break;
    case engine::Outcome::left_alone:
      lines << QObject::tr("<b>%1</b> wins and leaves it alone").arg(name(assignment.rule));
      break;
    case engine::Outcome::kind_not_handled:
      lines << QObject::tr(
                   "<b>%1</b> wins, but its paradigm cannot replace this kind of layer: "
                   "it stays plain")
                   .arg(name(assignment.rule));
      break;
    case engine::Outcome::transformed:
      lines << QObject::tr("<b>%1</b> wins: %2")
                   .arg(name(assignment.rule),
                        QString::fromStdString(assignment.paradigm).toHtmlEscaped());
      break;
  }
  for (const int rule : assignment.trail) {
    if (rule == assignment.rule) continue;
    const auto* found = view.rule(rule);
    if (found != nullptr && found->is_default()) continue;
    lines << QObject::tr("%1 would match, but %2 comes first")
                 .arg(name(rule), rule_label(view, assignment.rule));
  }
  if (assignment.outcome == engine::Outcome::transformed) {
    lines << values_text(assignment.values).toHtmlEscaped();
  }
  if (assignment.kind == engine::LayerKind::attention) {
    lines << QObject::tr(
        "An attention stands for its two matmuls; its projections are looked up "
        "on their own.");
  }
  return lines.join(QStringLiteral("<br>"));
}

QString values_text(const engine::ParamValues& values) {
  QStringList parts;
  for (const auto& entry : values.entries()) {
    parts << QStringLiteral("%1 %2").arg(QString::fromStdString(entry.name),
                                         QString::fromStdString(engine::to_string(entry.value)));
  }
  return parts.join(QStringLiteral(", "));
}

}  // namespace widgets
