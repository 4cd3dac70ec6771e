// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "app/workbench/edit_actions.h"
#include "app/workbench/engine_loader.h"
#include "app/workbench/open_path.h"
#include "app/workbench/program_options.h"
#include "engine/config/param_schema.h"
#include "widgets/models/launch_request.h"
#include "widgets/models/run_look_store.h"
#include "widgets/models/selection.h"
#include "widgets/style/theme.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <memory>

class QSettings;

namespace widgets {
class CommandPalette;
class ComparePanel;
}  // namespace widgets

namespace app {

class Autosave;
class CompareWorkspace;
class DocumentFiles;
class EditWorkspace;
class LaunchService;
class MainWindow;
class RunWorkspace;
class StudyWorkspace;
class TrialWorkspace;

/// The composition root: makes the window, the panels and what works in the background, and
/// connects them. Nothing here blocks the GUI thread.
class Workbench : public QObject {
  Q_OBJECT

 public:
  /// `settings` keeps layout, theme and recent files; null = nothing is remembered.
  Workbench(EngineLoader::Load load_engine, std::unique_ptr<QSettings> settings);
  ~Workbench() override;

  MainWindow* window() const { return window_.get(); }
  widgets::Selection* selection() { return &selection_; }
  const EngineLoader& engine() const { return engine_; }
  EditWorkspace* edit() const { return edit_.get(); }
  TrialWorkspace* trial() const { return trial_.get(); }
  RunWorkspace* run() const { return run_.get(); }
  const EditActions& editActions() const { return edit_actions_; }
  widgets::ComparePanel* comparePanel() const { return compare_panel_; }
  CompareWorkspace* compare() const { return compare_; }
  StudyWorkspace* study() const { return study_; }

  /// Shows the window and does what the command line asks for.
  void start(const ProgramOptions& options);
  /// Recognises each path and opens it. Problems appear in the window.
  void openPaths(const QStringList& paths);
  /// No file is being read and no plan computed.
  bool isSettled() const;

 Q_SIGNALS:
  void opened();  ///< after each file that was read, or could not be

 private:
  void makePanels();
  void connectWindow();
  void connectEditing();
  void connectRuns();
  void connectCompare();
  void queueRuns(const std::vector<engine::ParamValues>& runs);
  void connectTrial();
  void openNext();
  void take(const OpenedPath& opened);
  void takeTransform(const OpenedPath& opened);
  void remember(const QString& path);
  void saveAndLaunch(const widgets::LaunchRequest& request);
  void launchWhenReady();
  void startGivenTrials();
  void applyGivenSettings();
  void raiseGivenPanels();
  void openDemo();
  QString demoFolder() const;
  QString presetsFolder() const;
  bool mayClose();
  void setTheme(widgets::Theme theme);
  void updateEngineChip();
  void updateProblemChip();
  void takeScreenshot(const QString& file);
  /// About what the command line asked for. Who wants a picture of it does not get one of something
  /// else: the program ends with exit code 2.
  void refuse(const engine::Problem& problem);

  std::unique_ptr<QSettings> settings_;
  widgets::Selection selection_;
  widgets::RunLookStore looks_;
  EngineLoader engine_;
  BackgroundJob open_job_;
  std::unique_ptr<RunWorkspace> run_;
  std::unique_ptr<EditWorkspace> edit_;
  std::unique_ptr<MainWindow> window_;
  std::unique_ptr<TrialWorkspace> trial_;
  std::unique_ptr<DocumentFiles> files_;
  std::unique_ptr<LaunchService> launch_service_;
  std::unique_ptr<Autosave> autosave_;  ///< null: nothing is remembered
  EditActions edit_actions_;
  widgets::CommandPalette* palette_ = nullptr;
  widgets::ComparePanel* compare_panel_ = nullptr;
  CompareWorkspace* compare_ = nullptr;
  StudyWorkspace* study_ = nullptr;

  QStringList to_open_;
  engine::ParamValues given_;  ///< by the command line: they win over opened files
  QStringList panels_to_raise_;
  bool compares_given_ = false;  ///< the command line said which runs to compare
  bool launch_when_ready_ = false;
  bool try_when_ready_ = false;
  bool scan_when_ready_ = false;
  bool estimate_when_ready_ = false;
  bool is_for_picture_ = false;
  bool is_refused_ = false;  ///< no picture: the program ends
};

}  // namespace app
