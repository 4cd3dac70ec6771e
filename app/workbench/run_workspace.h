// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "app/workbench/close_question.h"
#include "app/workbench/detached_runs.h"
#include "app/workbench/run_continuation.h"
#include "app/workbench/run_launcher.h"
#include "app/workbench/run_requests.h"
#include "app/workbench/run_scheduler.h"
#include "app/workbench/run_watcher.h"
#include "widgets/models/launch_request.h"
#include "widgets/models/run_store.h"

#include <QObject>
#include <QSet>
#include <QString>
#include <QTimer>

class QSettings;

#include <memory>

namespace widgets {
class LaunchPanel;
class LayerStatisticsPanel;
class RunControls;
class RunListPanel;
class RunLogPanel;
class RunMonitorPanel;
class RunQueuePanel;
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
  /// All outlive this. The runs that were known and those that wait are kept beside `settings`;
  /// null: nothing is remembered. `looks` null: the runs have looks of their own.
  RunWorkspace(widgets::Selection* selection, const EngineLoader* engine, QSettings* settings,
               widgets::RunLookStore* looks = nullptr);
  ~RunWorkspace() override;

  /// Hands the panels to the window, which owns them from then on, and answers its actions.
  void addPanels(MainWindow* window);
  /// Finds the runs again that were known when the program ended, and takes up the queue.
  void takeUp();

  /// Folder of runs that is scanned for new ones, or the ssh:// address of one.
  void addRoot(const QString& folder);
  /// The same for one that the user chose: it is found again after a restart.
  void openRoot(const QString& folder);
  /// Watches the run and shows it.
  void open(const QString& folder);
  /// Starts the run when its device is free, else it waits in the queue. Returns its folder. Throws
  /// engine::Error when a run with that folder waits or is live. Changes no view.
  QString enqueue(const widgets::LaunchRequest& request) { return scheduler_.enqueue(request); }
  /// The same for the launch panel: shows the run, and in the panel what is wrong.
  void launch(const widgets::LaunchRequest& request);
  void carryOut(widgets::RunAction action, const QString& folder);
  /// What can be done now, and why the rest cannot.
  void updateActions();
  /// Asks what is to become of the runs that end with the window. True: nothing holds it back.
  bool mayClose();
  /// The question was answered, a save is under way.
  bool isClosing() const { return closing_ != CloseChoice::cancel; }
  /// The window goes at once: what trains in it is asked to stop.
  void abandon();

  const widgets::RunStore& store() const { return runs_; }
  const RunLauncher& launcher() const { return launcher_; }
  RunScheduler* scheduler() { return &scheduler_; }
  widgets::LaunchPanel* launchPanel() const { return launch_; }
  widgets::RunListPanel* list() const { return run_list_; }
  widgets::RunMonitorPanel* monitor() const { return monitor_; }
  widgets::RunLogPanel* log() const { return log_; }

 Q_SIGNALS:
  /// The form is complete and asks for a run: the unsaved transform has its say, then launch().
  void launchRequested(const widgets::LaunchRequest& request);
  void launched(const QString& folder);  ///< from the panel: it trains now, or waits
  void openRequested();                  ///< a run folder, which the user is to choose

 private:
  void connectPanels();
  void connectStarts();
  void noteChanges(const QStringList& folders);
  void updateChip();
  void show(const QString& folder);
  void readPlan(const QString& folder);
  void readOutput(const QString& folder);
  void askForSteps(const QString& folder);
  void copyResume(const QString& folder);
  void resume(const QString& folder, widgets::LaunchPlace place);
  void trainFurther(const QString& folder, const engine::RunExtension& extension,
                    widgets::LaunchPlace place);
  QString whyNotHere() const;
  void leave(const QString& folder);
  void remember(const QString& key, const QString& folder);
  void offerToReconnect(const QStringList& addresses);
  void forgetRoot(const QString& folder);

  widgets::Selection* selection_;
  const EngineLoader* engine_;
  QSettings* settings_;
  widgets::RunStore runs_;
  RunWatcher watcher_;
  std::unique_ptr<RemoteRuns> remote_runs_;  ///< null while no other machine is watched
  RunLauncher launcher_;
  DetachedRuns detached_;
  RunScheduler scheduler_;
  RunRequests requests_;
  RunContinuation continuation_;
  BackgroundJob plan_job_;
  QSet<QString> continued_;  ///< started by a button of the run, not by the form
  QTimer output_timer_;      ///< what processes write that do not begin
  MainWindow* window_ = nullptr;
  widgets::RunControls* controls_;
  widgets::LaunchPanel* launch_;
  widgets::RunMonitorPanel* monitor_;
  widgets::RunListPanel* run_list_;
  widgets::RunQueuePanel* queue_;
  widgets::RunLogPanel* log_;
  widgets::LayerStatisticsPanel* layer_statistics_;
  CloseChoice closing_ = CloseChoice::cancel;
};

}  // namespace app
