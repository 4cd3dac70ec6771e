// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/edit_workspace.h"

#include "app/workbench/main_window.h"
#include "engine/config/transform_dialect.h"
#include "engine/transform/paradigm_info.h"
#include "widgets/models/layer_names.h"
#include "widgets/models/problems_model.h"
#include "widgets/models/selection.h"
#include "widgets/models/transform_rules_model.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/layer_assignment_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/new_rule_bar.h"
#include "widgets/panels/presets_panel.h"
#include "widgets/panels/problems_panel.h"
#include "widgets/panels/rule_form_panel.h"
#include "widgets/panels/transform_rules_panel.h"
#include "widgets/panels/yaml_panel.h"

#include <QFileInfo>
#include <QUndoView>

namespace app {

EditWorkspace::EditWorkspace(widgets::Selection* selection, const widgets::RunStore* runs)
    : selection_(selection),
      rule_editor_(&document_),
      layers_(new widgets::LayerAssignmentPanel(selection)),
      rules_(new widgets::TransformRulesPanel(selection, &rule_editor_)),
      form_(new widgets::RuleFormPanel(selection, &rule_editor_)),
      yaml_(new widgets::YamlPanel(&document_, selection)),
      problems_(new widgets::ProblemsPanel),
      histogram_(new widgets::HistogramPanel(selection, runs)),
      presets_(new widgets::PresetsPanel),
      new_rule_(new widgets::NewRuleBar(rules_)),
      rule_maker_(&rule_editor_, selection, new_rule_) {
  rules_->setTopBar(new_rule_);
  connectPanels();
  connect(&document_, &widgets::TransformDocument::textChanged, this, &EditWorkspace::planText);
  connect(&document_, &widgets::TransformDocument::modifiedChanged, this,
          &EditWorkspace::viewChanged);
  connect(&planner_, &TransformPlanner::planned, this, &EditWorkspace::show);
  connect(&paradigm_files_, &ParadigmFileWatch::changed, &planner_, &TransformPlanner::planAgain);
}

EditWorkspace::~EditWorkspace() = default;

void EditWorkspace::connectPanels() {
  connect(layers_, &widgets::LayerAssignmentPanel::openRequested, this,
          &EditWorkspace::openCheckpointRequested);
  connect(rules_, &widgets::TransformRulesPanel::openRequested, this,
          &EditWorkspace::openTransformRequested);
  connect(rules_, &widgets::TransformRulesPanel::newRequested, this,
          &EditWorkspace::newTransformRequested);
  connect(rules_, &widgets::TransformRulesPanel::presetsRequested, this,
          [this] { Q_EMIT panelRequested(QStringLiteral("presets")); });
  connect(yaml_, &widgets::YamlPanel::openRequested, this, &EditWorkspace::openTransformRequested);
  connect(yaml_, &widgets::YamlPanel::newRequested, this, &EditWorkspace::newTransformRequested);
  connect(rules_, &widgets::TransformRulesPanel::formRequested, this, &EditWorkspace::focusForm);
  connect(form_, &widgets::RuleFormPanel::ruleAccepted, this, [this] { form_->focusFirstField(); });
  connect(layers_, &widgets::LayerAssignmentPanel::makeRuleRequested, this,
          &EditWorkspace::makeRule);
  connect(rules_, &widgets::TransformRulesPanel::addRequested, this, &EditWorkspace::makeRule);
  connect(rules_, &widgets::TransformRulesPanel::layersDropped, &rule_maker_, &RuleMaker::offer);
  connect(rules_, &widgets::TransformRulesPanel::layersDroppedOn, &rule_maker_,
          &RuleMaker::offerExtended);
  connect(&rule_maker_, &RuleMaker::made, this, [this] {
    focuses_form_ = true;
    if (!planner_.isPlanning()) focusForm();
  });
  connect(histogram_, &widgets::HistogramPanel::ruleActivated, this, [this](int rule) {
    selection_->setRules({rule});
    Q_EMIT panelRequested(QStringLiteral("form"));
  });
  problems_->model()->setFixer(
      [this](const engine::Problem& problem) { return rule_editor_.fixesFor(problem); });
  connect(problems_, &widgets::ProblemsPanel::fixRequested, this,
          [this](const engine::ProblemFix& fix) {
            if (!fix.layers.empty()) selection_->setLayers(widgets::from_names(fix.layers));
            rule_editor_.apply({fix.edit, {}});
          });
  connect(problems_, &widgets::ProblemsPanel::placeRequested, this,
          [this](const engine::Place& place) {
            Q_EMIT panelRequested(QStringLiteral("yaml"));
            yaml_->reveal(place);
          });
  connect(presets_, &widgets::PresetsPanel::useRequested, this,
          [this](const QString&, const std::string& text) { Q_EMIT presetRequested(text); });
  connect(rules_, &widgets::TransformRulesPanel::previewRequested, this,
          &EditWorkspace::previewMove);
}

void EditWorkspace::addPanels(MainWindow* window) {
  window->addPanel(QStringLiteral("layers"), tr("Layers"), layers_);
  window->addPanel(QStringLiteral("rules"), tr("Rules"), rules_);
  window->addPanel(QStringLiteral("form"), tr("Rule"), form_);
  window->addPanel(QStringLiteral("yaml"), tr("YAML"), yaml_);
  window->addPanel(QStringLiteral("histogram"), tr("Transform histogram"), histogram_);
  window->addPanel(QStringLiteral("problems"), tr("Problems"), problems_);
  window->addPanel(QStringLiteral("presets"), tr("Presets"), presets_);
  auto* history = new QUndoView(document_.undoStack());
  history->setObjectName(QStringLiteral("history.list"));
  history->setAccessibleName(tr("History of edits"));
  history->setToolTip(tr("Click a step to go back or forward to it"));
  history->setEmptyLabel(tr("as opened"));
  history->setFrameShape(QFrame::NoFrame);
  window->addPanel(QStringLiteral("history"), tr("History"), history);
}

void EditWorkspace::setCheckpoint(std::shared_ptr<const widgets::OpenCheckpoint> checkpoint) {
  planner_.setCheckpoint(std::move(checkpoint));
}

void EditWorkspace::openDocument(const QString& file, std::string text) {
  selection_->setRules({});
  chooses_rule_ = true;
  document_.open(file, std::move(text));
}

void EditWorkspace::openUnsaved(const QString& file, const std::string& text) {
  selection_->setRules({});
  chooses_rule_ = true;
  document_.openUnsaved(file, text);
}

void EditWorkspace::openNewDocument(std::string text) { openDocument(QString(), std::move(text)); }

void EditWorkspace::makeRule() {
  if (!document_.isOpen()) Q_EMIT newTransformRequested();
  if (!document_.isOpen() || !rule_editor_.canEdit()) return;
  Q_EMIT panelRequested(QStringLiteral("rules"));
  rule_maker_.offer(selection_->layers(), rules_->placeForNewRule());
}

QStringList EditWorkspace::openPaths() const {
  QStringList paths;
  if (planner_.checkpoint() != nullptr) paths << planner_.checkpoint()->folder;
  if (!document_.file().isEmpty()) paths << document_.file();
  return paths;
}

QString EditWorkspace::title() const {
  QStringList names;
  if (planner_.checkpoint() != nullptr) {
    names << QFileInfo(planner_.checkpoint()->folder).fileName();
  }
  if (document_.isOpen()) names << document_.name() + QStringLiteral("[*]");
  return names.join(QStringLiteral(" · "));
}

void EditWorkspace::planText() {
  planner_.setTransform(document_.isOpen() ? std::optional(document_.text()) : std::nullopt,
                        document_.file());
}

void EditWorkspace::show() {
  const auto& view = planner_.view();
  rule_editor_.setView(view);
  if (view->transform != nullptr) paradigm_files_.watch(view->transform->config);
  layers_->setView(view);
  rules_->setView(view);
  form_->setView(view);
  yaml_->setView(view);
  presets_->setView(view);
  if (!document_.isOpen()) saved_view_.reset();
  if (!document_.isModified() || (document_.file().isEmpty() && !document_.undoStack()->canUndo()))
    saved_view_ = view;
  histogram_->setSavedView(saved_view_);
  histogram_->setView(view);
  problems_->setProblems(view->problems);
  if (chooses_rule_ && view->transform != nullptr && view->rule(0) != nullptr) {
    chooses_rule_ = false;
    selection_->setRules({0});
  }
  if (focuses_form_) focusForm();
  tellDialect();
  Q_EMIT viewChanged();
}

/// A file of another dialect is read as the rules that it means. Those are not written in it, so
/// only its text can be edited, or a new file of plain rules.
void EditWorkspace::tellDialect() {
  const auto& view = planner_.view();
  if (view->transform == nullptr || view->is_stale || view->transform->config.rules.empty()) return;
  const engine::TransformConfig& config = view->transform->config;
  if (config.dialect == engine::TransformDialect::c1_pattern_map ||
      config.dialect == engine::TransformDialect::c2_bare_map)
    return;
  const auto stages = static_cast<int>(config.later_stages.size());
  rules_->messages()->showMessage(
      engine::Severity::note,
      tr("%1 is a %2. Its rules are what it means, and cannot be edited one by one.")
          .arg(document_.name(), QString::fromLatin1(engine::describe(config.dialect))),
      stages == 0
          ? tr("Edit its text, or convert it: a new file of plain rules, and this one stays.")
          : tr("It is a sequence of %1 transforms over the same layers, of which the first is "
               "shown; edit its text.")
                .arg(stages + 1));
  if (stages > 0) return;
  rules_->messages()->offer(QStringLiteral("rules.convert"), tr("&Convert to plain rules"),
                            [this, text = engine::canonical_text(config)] {
                              rules_->messages()->dismiss();
                              Q_EMIT presetRequested(text);
                            });
}

void EditWorkspace::focusForm() {
  focuses_form_ = false;
  Q_EMIT panelRequested(QStringLiteral("form"));
  form_->focusFirstField();
}

void EditWorkspace::previewMove(int from, int to) {
  const auto& view = planner_.view();
  if (from == to || !view->has_plan()) {
    rules_->model()->setPreview(nullptr, 0, 0);
    return;
  }
  const auto preview =
      widgets::plan_text(view->checkpoint, rule_editor_.textWithMoved(from, to),
                         document_.file().toStdString(), engine::paradigm_infos(), view);
  rules_->model()->setPreview(preview, from, to);
}

}  // namespace app
