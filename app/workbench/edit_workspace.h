// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/paradigm_file_watch.h"
#include "app/workbench/rule_maker.h"
#include "app/workbench/transform_planner.h"
#include "widgets/models/plan_view.h"
#include "widgets/models/rule_editor.h"
#include "widgets/models/transform_document.h"

#include <QObject>
#include <QStringList>

#include <memory>
#include <string>

namespace widgets {
class HistogramPanel;
class LayerAssignmentPanel;
class NewRuleBar;
class PresetsPanel;
class ProblemsPanel;
class RuleFormPanel;
class RunStore;
class Selection;
class TransformRulesPanel;
class YamlPanel;
}  // namespace widgets

namespace app {

class MainWindow;

/// The editing half of the window: an open checkpoint, the transform file that is edited, the plan
/// of one on the other, and the panels that show and edit them. Every view patches the document;
/// every change of the document is planned and shown everywhere. GUI thread.
class EditWorkspace : public QObject {
  Q_OBJECT

 public:
  EditWorkspace(widgets::Selection* selection, const widgets::RunStore* runs);
  ~EditWorkspace() override;

  /// Hands the panels to the window, which owns them from then on.
  void addPanels(MainWindow* window);

  void setCheckpoint(std::shared_ptr<const widgets::OpenCheckpoint> checkpoint);
  /// Shows this text as the document: a file that was read, or a new one without a name.
  void openDocument(const QString& file, std::string text);
  void openUnsaved(const QString& file, const std::string& text);
  void openNewDocument(std::string text = engine::empty_transform_text());
  /// Offers a rule for the selected layers; with no document, begins one first.
  void makeRule();

  widgets::TransformDocument* document() { return &document_; }
  widgets::RuleEditor* ruleEditor() { return &rule_editor_; }
  const widgets::PlanViewPtr& view() const { return planner_.view(); }
  bool isPlanning() const { return planner_.isPlanning(); }
  QStringList openPaths() const;  ///< the checkpoint's folder and the transform file, if open
  QString title() const;          ///< "tiny · rules.yaml", empty while nothing is open

  widgets::LayerAssignmentPanel* layers() const { return layers_; }
  widgets::TransformRulesPanel* rules() const { return rules_; }
  widgets::RuleFormPanel* form() const { return form_; }
  widgets::YamlPanel* yaml() const { return yaml_; }
  widgets::ProblemsPanel* problems() const { return problems_; }
  widgets::HistogramPanel* histogram() const { return histogram_; }
  widgets::PresetsPanel* presets() const { return presets_; }
  widgets::NewRuleBar* newRuleBar() const { return new_rule_; }

 Q_SIGNALS:
  void viewChanged();
  void openCheckpointRequested();
  void openTransformRequested();
  void newTransformRequested();
  void presetRequested(const std::string& text);  ///< begin a new document with it
  void panelRequested(const QString& id);         ///< wants to be in front

 private:
  void connectPanels();
  void planText();
  void show();
  void focusForm();
  void previewMove(int from, int to);
  void tellDialect();

  widgets::Selection* selection_;
  widgets::TransformDocument document_;
  widgets::RuleEditor rule_editor_;
  TransformPlanner planner_;
  ParadigmFileWatch paradigm_files_;
  widgets::LayerAssignmentPanel* layers_;
  widgets::TransformRulesPanel* rules_;
  widgets::RuleFormPanel* form_;
  widgets::YamlPanel* yaml_;
  widgets::ProblemsPanel* problems_;
  widgets::HistogramPanel* histogram_;
  widgets::PresetsPanel* presets_;
  widgets::NewRuleBar* new_rule_;
  RuleMaker rule_maker_;
  bool focuses_form_ = false;        ///< as soon as the new rule is planned
  bool chooses_rule_ = false;        ///< a document was opened: its first rule is shown
  widgets::PlanViewPtr saved_view_;  ///< the plan of the text as it is in the file
};

}  // namespace app
