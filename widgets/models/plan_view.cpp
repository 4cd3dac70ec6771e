// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/plan_view.h"

#include <QObject>
#include <QStringList>

#include <algorithm>
#include <sstream>

namespace widgets {
namespace {

/// An empty text is a transform without rules; one that cannot be read as a map is none.
bool is_broken(const engine::ParsedTransform& parsed) {
  if (!parsed.config.rules.empty()) return false;
  std::istringstream text(parsed.config.source_text);
  bool is_empty = true;
  for (std::string line; std::getline(text, line);) {
    const auto first = line.find_first_not_of(" \t\r");
    is_empty = is_empty && (first == std::string::npos || line[first] == '#');
  }
  return !is_empty && std::any_of(parsed.problems.begin(), parsed.problems.end(),
                                  [](const auto& one) { return one.id == "bad-yaml"; });
}

}  // namespace

std::shared_ptr<const OpenCheckpoint> make_checkpoint(const QString& folder,
                                                      const engine::LlamaConfig& config) {
  constexpr std::int64_t kUsualSequence = 2048;
  auto checkpoint = std::make_shared<OpenCheckpoint>();
  checkpoint->folder = folder;
  checkpoint->config = config;
  checkpoint->inventory = engine::layer_inventory(config);
  checkpoint->costs =
      LayerCosts(checkpoint->inventory, std::min(kUsualSequence, config.max_position_embeddings));
  return checkpoint;
}

const engine::TransformRule* PlanView::rule(int index) const {
  if (transform == nullptr || index < 0) return nullptr;
  const auto& rules = transform->config.rules;
  const auto position = static_cast<std::size_t>(index);
  return position < rules.size() ? &rules[position] : nullptr;
}

PlanViewPtr make_plan_view(std::shared_ptr<const OpenCheckpoint> checkpoint,
                           std::shared_ptr<const engine::ParsedTransform> transform,
                           const std::vector<engine::ParadigmInfo>& infos,
                           const std::stop_token& stop) {
  auto view = std::make_shared<PlanView>();
  view->checkpoint = std::move(checkpoint);
  view->transform = std::move(transform);
  if (view->transform != nullptr) view->problems = view->transform->problems;
  if (view->has_plan()) {
    auto plan =
        plan_transform(view->checkpoint->inventory, view->transform->config, infos, "", stop);
    if (!plan) return nullptr;
    view->plan = std::move(*plan);
    view->problems.insert(view->problems.end(), view->plan.problems.begin(),
                          view->plan.problems.end());
  }
  return view;
}

PlanViewPtr plan_text(std::shared_ptr<const OpenCheckpoint> checkpoint,
                      const std::optional<std::string>& text, const std::string& file,
                      const std::vector<engine::ParadigmInfo>& infos, const PlanViewPtr& last,
                      const std::stop_token& stop) {
  if (!text) return make_plan_view(std::move(checkpoint), nullptr, infos, stop);
  auto parsed =
      std::make_shared<engine::ParsedTransform>(engine::parse_transform_config(*text, file, infos));
  const bool has_last =
      last != nullptr && last->transform != nullptr && last->transform->config.file == file;
  if (!has_last || !is_broken(*parsed)) {
    return make_plan_view(std::move(checkpoint), std::move(parsed), infos, stop);
  }
  auto view = std::make_shared<PlanView>();
  if (checkpoint == last->checkpoint) {
    *view = *last;
  } else {
    const auto planned = make_plan_view(std::move(checkpoint), last->transform, infos, stop);
    if (planned == nullptr) return nullptr;
    *view = *planned;
  }
  view->is_stale = true;
  view->problems = parsed->problems;
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
