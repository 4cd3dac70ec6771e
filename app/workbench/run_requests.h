// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"
#include "engine/runs/run_control.h"
#include "widgets/models/run_actions.h"

#include <QObject>
#include <QString>

namespace app {

class DetachedRuns;
class RunLauncher;

/// Asks things of runs. Every request is left in the file `control` of the run's folder, whether a
/// thread of this program, a process of its own or somebody else's trains it; the folder then says
/// what became of it. GUI thread.
class RunRequests : public QObject {
  Q_OBJECT

 public:
  /// All outlive this.
  RunRequests(widgets::RunStore* runs, RunLauncher* launcher, DetachedRuns* detached,
              QObject* parent = nullptr);

  void ask(const QString& folder, engine::RunRequest request);
  void extend(const QString& folder, const engine::RunExtension& extension);
  /// Sends SIGKILL to the process that status.json names, when it is still that process; through
  /// the connection when it is on another machine.
  void kill(const QString& folder);

 Q_SIGNALS:
  void failed(const QString& folder, const engine::Problem& problem);

 private:
  const widgets::RunRecord* liveRun(const QString& folder) const;
  void killThere(const QString& folder, const engine::RunStatus& status);

  widgets::RunStore* runs_;
  RunLauncher* launcher_;
  DetachedRuns* detached_;
};

}  // namespace app
