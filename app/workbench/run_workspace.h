// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "app/workbench/run_launcher.h"
#include "app/workbench/run_watcher.h"
#include "engine/config/param_schema.h"
#include "engine/runs/run_control.h"
#include "widgets/models/run_store.h"

#include <QObject>
#include <QString>

#include <memory>

namespace widgets {
class LaunchPanel;
class LayerStatisticsPanel;
class RunListPanel;
class RunLogPanel;
class RunMonitorPanel;
class Selection;
}  // namespace widgets

namespace app {

class EngineLoader;
class MainWindow;
class RemoteRuns;

/// The training half of the window: the runs that are known, what starts and watches them, and the
/// panels that show and steer them. Whatever is shown of a run is read from its folder. GUI thread.
class RunWorkspace : public QObject {
  Q_OBJECT

 public:
  /// Both outlive this.
  RunWorkspace(widgets::Selection* selection, const EngineLoader* engine);
  ~RunWorkspace() override;

  /// Hands the panels to the window, which owns them from then on, and answers its actions.
  void addPanels(MainWindow* window);

  /// Folder of runs that is scanned for new ones, or the ssh:// address of one.
  void addRoot(const QString& folder);
  /// Watches the run and shows it.
  void open(const QString& folder);
  void launch(const engine::ParamValues& values);
  void request(const QString& folder, engine::RunRequest request);
  /// What can be done now, and why the rest cannot.
  void updateActions();
  /// Asks what is to become of a run that ends with the window. True: nothing holds it back.
  bool mayClose();
  bool isClosing() const { return closing_; }  ///< the question was answered, a save is under way
  /// The window goes at once: a run in it is asked to stop.
  void abandon();

  const widgets::RunStore& store() const { return runs_; }
  const RunLauncher& launcher() const { return launcher_; }
  widgets::LaunchPanel* launchPanel() const { return launch_; }
  widgets::RunListPanel* list() const { return run_list_; }
  widgets::RunMonitorPanel* monitor() const { return monitor_; }
  widgets::RunLogPanel* log() const { return log_; }

 Q_SIGNALS:
  /// The form is complete and asks for a run: the unsaved transform has its say, then launch().
  void launchRequested(const engine::ParamValues& values);
  void launched(const QString& folder);
  void openRequested();  ///< a run folder, which the user is to choose

 private:
  void connectPanels();
  void connectLauncher();
  void updateChip();
  void show(const QString& folder);
  void readPlan(const QString& folder);
  void resume(const QString& folder);

  widgets::Selection* selection_;
  const EngineLoader* engine_;
  widgets::RunStore runs_;
  RunWatcher watcher_;
  std::unique_ptr<RemoteRuns> remote_runs_;  ///< null while no other machine is watched
  RunLauncher launcher_;
  BackgroundJob plan_job_;
  BackgroundJob resume_job_;
  MainWindow* window_ = nullptr;
  widgets::LaunchPanel* launch_;
  widgets::RunMonitorPanel* monitor_;
  widgets::RunListPanel* run_list_;
  widgets::RunLogPanel* log_;
  widgets::LayerStatisticsPanel* layer_statistics_;
  bool closing_ = false;
};

}  // namespace app
