// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "app/workbench/edit_actions.h"
#include "app/workbench/engine_loader.h"
#include "app/workbench/open_path.h"
#include "app/workbench/program_options.h"
#include "app/workbench/run_launcher.h"
#include "app/workbench/run_watcher.h"
#include "widgets/models/plan_view.h"
#include "widgets/models/run_store.h"
#include "widgets/models/selection.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <memory>

class QMessageBox;
class QSettings;

namespace widgets {
class CommandPalette;
class ComparePanel;
class LaunchPanel;
class LayerStatisticsPanel;
class RunListPanel;
class RunLogPanel;
class RunMonitorPanel;
}  // namespace widgets

namespace app {

class Autosave;
class CompareWorkspace;
class DocumentFiles;
class EditWorkspace;
class MainWindow;

/// The composition root: makes the window, the panels and what works in the background, and
/// connects them. Nothing here blocks the GUI thread.
class Workbench : public QObject {
  Q_OBJECT

 public:
  /// `settings` keeps layout, theme and recent files; null = nothing is remembered.
  Workbench(EngineLoader::Load load_engine, std::unique_ptr<QSettings> settings);
  ~Workbench() override;

  MainWindow* window() const { return window_.get(); }
  const widgets::RunStore& runs() const { return runs_; }
  widgets::Selection* selection() { return &selection_; }
  const EngineLoader& engine() const { return engine_; }
  const RunLauncher& launcher() const { return launcher_; }
  EditWorkspace* edit() const { return edit_.get(); }
  const EditActions& editActions() const { return edit_actions_; }
  widgets::LaunchPanel* launchPanel() const { return launch_; }
  widgets::RunListPanel* runList() const { return run_list_; }
  widgets::RunMonitorPanel* monitor() const { return monitor_; }
  widgets::RunLogPanel* log() const { return log_; }
  widgets::ComparePanel* comparePanel() const { return compare_panel_; }
  CompareWorkspace* compare() const { return compare_; }

  /// Shows the window and does what the command line asks for.
  void start(const ProgramOptions& options);
  /// Recognises each path and opens it. Problems appear in the window.
  void openPaths(const QStringList& paths);
  /// Folder of runs that is scanned for new ones.
  void addRunsRoot(const QString& folder);
  void request(const QString& folder, engine::RunRequest request);
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
  void openNext();
  void take(const OpenedPath& opened);
  void takeTransform(const OpenedPath& opened);
  void remember(const QString& path);
  void showRun(const QString& folder);
  void readPlanOfRun(const QString& folder);
  void saveAndLaunch(const engine::ParamValues& values);
  void launch(const engine::ParamValues& values);
  void resumeRun(const QString& folder);
  void launchWhenReady();
  void applyGivenSettings();
  void raiseGivenPanels();
  void openDemo();
  QString demoFolder() const;
  QString presetsFolder() const;
  bool mayClose();
  void setTheme(widgets::Theme theme);
  void updateEngineChip();
  void updateRunChip();
  void updateProblemChip();
  void updateActions();
  void takeScreenshot(const QString& file);

  std::unique_ptr<QSettings> settings_;
  widgets::Selection selection_;
  widgets::RunStore runs_;
  EngineLoader engine_;
  RunWatcher watcher_;
  RunLauncher launcher_;
  BackgroundJob open_job_;
  BackgroundJob run_plan_job_;
  BackgroundJob resume_job_;
  std::unique_ptr<EditWorkspace> edit_;
  std::unique_ptr<MainWindow> window_;
  std::unique_ptr<DocumentFiles> files_;
  std::unique_ptr<Autosave> autosave_;  ///< null: nothing is remembered
  EditActions edit_actions_;
  widgets::CommandPalette* palette_ = nullptr;
  widgets::LaunchPanel* launch_ = nullptr;
  widgets::RunListPanel* run_list_ = nullptr;
  widgets::RunMonitorPanel* monitor_ = nullptr;
  widgets::RunLogPanel* log_ = nullptr;
  widgets::LayerStatisticsPanel* layer_statistics_ = nullptr;
  widgets::ComparePanel* compare_panel_ = nullptr;
  CompareWorkspace* compare_ = nullptr;

  QStringList to_open_;
  engine::ParamValues given_;  ///< by the command line: they win over opened files
  QStringList panels_to_raise_;
  bool compares_given_ = false;  ///< the command line said which runs to compare
  bool launch_when_ready_ = false;
  bool closing_ = false;
};

}  // namespace app
