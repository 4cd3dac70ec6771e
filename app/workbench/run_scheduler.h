// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/detached_runs.h"
#include "app/workbench/queued_transforms.h"
#include "app/workbench/run_launcher.h"
#include "widgets/models/run_queue.h"
#include "widgets/models/run_store.h"

#include <QLockFile>
#include <QObject>
#include <QString>

#include <map>
#include <memory>

namespace app {

class EngineLoader;
class RunWatcher;

/// Starts runs: at once when their device is free, else in the order of the queue, in this window
/// (one on each device) or in processes of their own. A device is taken by any live run on this
/// host that says so, whoever started it. The queue is kept in the workbench's data and goes on
/// after a restart; a run applies its transform as it was when it was queued. GUI thread.
class RunScheduler : public QObject {
  Q_OBJECT

 public:
  struct Parts {
    widgets::RunStore* runs;
    RunWatcher* watcher;
    RunLauncher* launcher;
    DetachedRuns* detached;
    const EngineLoader* engine;
  };

  /// All parts outlive this.
  explicit RunScheduler(const Parts& parts, QObject* parent = nullptr);

  /// Keeps the queue in this folder from now on, and takes up what is kept there, unless another
  /// window has it.
  void keepIn(const QString& data_folder);

  /// Puts a run at the end of the queue, which starts it now if nothing is before it and its device
  /// is free. Without output_dir it gets one. Returns the run's folder. Throws engine::Error when
  /// that folder is queued or live already.
  QString enqueue(const widgets::LaunchRequest& request);
  /// The same for an ended run that goes on behind its newest checkpoint; `settings` are those of
  /// its run.yaml.
  void enqueueResume(const QString& folder, const engine::ParamValues& settings,
                     widgets::LaunchPlace place);
  /// A run that trained in this window and was stopped goes on in a process of its own. Throws
  /// engine::Error when that cannot be started.
  void continueApart(const QString& folder);
  /// Starts nothing more: the window closes.
  void setClosing(bool closing) { is_closing_ = closing; }
  /// Out of turn, whatever trains on its device; but in this window only one on each.
  void startNow(const QString& folder);
  void remove(const QString& folder);
  /// Looks whether something can start. Called by itself when runs or the queue change.
  void update();

  widgets::RunQueue* queue() { return &queue_; }

 Q_SIGNALS:
  void started(const QString& folder);
  void dropped(const QString& folder);  ///< out of the queue without being started
  void failed(const QString& folder, const engine::Problem& problem);

 private:
  struct Begun {
    QString device;
    double time = 0;  ///< Unix seconds
  };

  void add(widgets::QueuedRun run);
  void start(widgets::QueuedRun run);
  void startApart(const widgets::QueuedRun& run);
  std::vector<std::string> commandOf(const widgets::QueuedRun& run) const;
  void startDue();
  void noteEnds();
  void noteGone(const QString& folder);
  void keep();
  QString deviceOf(const engine::ParamValues& values) const;
  QString resolved(const QString& device) const;
  std::map<QString, QString> takenDevices() const;
  QString whyNotIn(const widgets::QueuedRun& run) const;

  Parts parts_;
  widgets::RunQueue queue_;
  QueuedTransforms transforms_;
  std::map<QString, Begun> begun_;              ///< runs started here that have not ended
  std::map<QString, widgets::QueuedRun> here_;  ///< what trains in this window, or did
  QString file_;                                ///< where the queue is kept; empty: nowhere
  std::unique_ptr<QLockFile> lock_;
  bool is_updating_ = false;
  bool is_closing_ = false;
};

}  // namespace app
