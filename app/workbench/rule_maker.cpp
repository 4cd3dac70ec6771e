// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/rule_maker.h"

#include "engine/config/layer_pattern.h"
#include "engine/transform/pattern_synthesis.h"
#include "widgets/models/layer_names.h"
#include "widgets/models/rule_editor.h"
#include "widgets/models/selection.h"
#include "widgets/panels/new_rule_bar.h"

#include <QSet>

#include <algorithm>

namespace app {
namespace {

/// The layers among which a pattern has to tell.
std::vector<std::string> candidates(const widgets::PlanView& view) {
  std::vector<std::string> names;
  if (view.checkpoint == nullptr) return names;
  for (const auto& one : view.plan.assignments) names.push_back(one.layer);
  if (!names.empty()) return names;
  for (const auto& layer : view.checkpoint->inventory.layers()) names.push_back(layer.name);
  return names;
}

QStringList matched(const QString& pattern, const widgets::PlanView& view) {
  const bool use_regex = view.transform == nullptr || view.transform->config.use_regex;
  const engine::LayerPattern compiled(pattern.toStdString(), use_regex);
  QStringList layers;
  for (const auto& name : candidates(view)) {
    const auto result = compiled.match(name);
    if (result == engine::LayerPattern::Result::gave_up) break;
    if (result == engine::LayerPattern::Result::match) layers << QString::fromStdString(name);
  }
  return layers;
}

}  // namespace

RuleMaker::RuleMaker(widgets::RuleEditor* editor, widgets::Selection* selection,
                     widgets::NewRuleBar* bar)
    : editor_(editor), selection_(selection), bar_(bar) {
  connect(bar_, &widgets::NewRuleBar::accepted, this, &RuleMaker::accept);
  connect(bar_, &widgets::NewRuleBar::patternChanged, this, &RuleMaker::showHits);
}

void RuleMaker::offer(const QStringList& layers, int before) {
  extended_ = -1;
  show(layers,
       layers.isEmpty()     ? tr("New rule. Select layers in the tree for a pattern of them")
       : layers.size() == 1 ? tr("New rule for the selected layer")
                            : tr("New rule for the %1 selected layers").arg(layers.size()),
       before);
}

void RuleMaker::offerExtended(const QStringList& layers, int rule) {
  const auto* written = editor_->view()->rule(rule);
  if (written == nullptr || written->is_default()) return;
  QStringList all = matched(QString::fromStdString(written->pattern), *editor_->view());
  for (const auto& layer : layers) {
    if (!all.contains(layer)) all << layer;
  }
  extended_ = rule;
  show(all,
       tr("Extend rule %1 to %2 layers")
           .arg(widgets::rule_label(*editor_->view(), rule))
           .arg(all.size()),
       rule);
}

void RuleMaker::show(const QStringList& layers, const QString& purpose, int before) {
  using Candidate = widgets::NewRuleBar::Candidate;
  wanted_ = layers;
  std::vector<Candidate> offered;
  QString headline = purpose;
  if (!layers.isEmpty()) {
    const auto found =
        engine::synthesize_pattern(widgets::to_names(layers), candidates(*editor_->view()));
    const auto add_exact = [&] {
      if (found.pattern.empty()) return;
      offered.push_back({QString::fromStdString(found.pattern),
                         layers.size() == 1
                             ? tr("matches exactly this layer")
                             : tr("matches exactly these %1 layers").arg(layers.size()),
                         true});
    };
    if (!found.is_unwieldy) add_exact();
    for (const auto& one : found.alternatives) {
      const QString why = QString::fromStdString(one.why);
      offered.push_back(
          {QString::fromStdString(one.pattern),
           one.extra.empty() ? why
           : one.extra.size() == 1
               ? tr("%1, and with it %2").arg(why, QString::fromStdString(one.extra.front()))
               : tr("%1, and with it %2 other layers").arg(why).arg(one.extra.size()),
           one.extra.empty()});
    }
    if (found.is_unwieldy) add_exact();
    if (!found.problem.empty()) headline += tr(": %1").arg(QString::fromStdString(found.problem));
  }
  // The paradigm of the chosen rule, else of the last one in the file that has one.
  std::string paradigm;
  const auto& view = *editor_->view();
  for (int rule = 0; view.rule(rule) != nullptr; ++rule) {
    if (!view.rule(rule)->paradigm.empty()) paradigm = view.rule(rule)->paradigm;
  }
  if (!selection_->rules().isEmpty()) {
    const auto* chosen = view.rule(selection_->rules().front());
    if (chosen != nullptr && !chosen->paradigm.empty()) paradigm = chosen->paradigm;
  }
  bar_->offer(offered, headline, before, paradigm);
  bar_->setParadigmShown(extended_ < 0);
}

void RuleMaker::showHits(const QString& pattern) {
  const bool use_regex =
      editor_->view()->transform == nullptr || editor_->view()->transform->config.use_regex;
  const engine::LayerPattern compiled(pattern.toStdString(), use_regex);
  if (!compiled.error().empty()) {
    bar_->setHits(tr("does not compile: %1").arg(QString::fromStdString(compiled.error())), false);
    return;
  }
  const QStringList hits = matched(pattern, *editor_->view());
  const QSet<QString> hit(hits.begin(), hits.end());
  const QSet<QString> wanted(wanted_.begin(), wanted_.end());
  if (hit == wanted && !wanted.isEmpty()) {
    bar_->setHits(wanted_.size() == 1 ? tr("matches exactly this layer")
                                      : tr("matches exactly these %1 layers").arg(hits.size()),
                  true);
    return;
  }
  const auto missing = (wanted - hit).size();
  const auto extra = (hit - wanted).size();
  QStringList parts{hits.size() == 1 ? tr("matches 1 layer")
                                     : tr("matches %1 layers").arg(hits.size())};
  if (!wanted.isEmpty() && extra > 0) parts << tr("%1 of them not selected").arg(extra);
  if (missing > 0) parts << tr("%1 selected ones are missing").arg(missing);
  bar_->setHits(parts.join(QStringLiteral(", ")), !wanted.isEmpty() && missing + extra == 0);
}

void RuleMaker::accept() {
  const QString pattern = bar_->pattern();
  if (pattern.isEmpty()) return;
  int rule = -1;
  if (extended_ >= 0) {
    if (editor_->setPattern(extended_, pattern)) rule = extended_;
  } else {
    engine::NewRule made;
    made.pattern = pattern.toStdString();
    const auto infos = engine::paradigm_infos();
    const auto* info = engine::find_paradigm(infos, bar_->paradigm().toStdString());
    made.leave_alone = info == nullptr;
    if (info != nullptr) made.entries = widgets::starting_entries(*info);
    rule = editor_->insert(bar_->before(), made);
  }
  if (rule < 0) return;  // the rule list says why
  bar_->dismiss();
  selection_->setRules({rule});
  Q_EMIT this->made(rule);
}

}  // namespace app
