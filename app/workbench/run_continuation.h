// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "engine/runs/run_control.h"
#include "widgets/models/launch_request.h"
#include "widgets/models/run_store.h"

#include <QObject>
#include <QString>

#include <functional>
#include <map>

namespace app {

/// Ended runs that go on behind their newest checkpoint: what that would restore, and the settings
/// that their run.yaml holds for it. Starts nothing itself. GUI thread.
class RunContinuation : public QObject {
  Q_OBJECT

 public:
  /// `runs` outlives this.
  explicit RunContinuation(widgets::RunStore* runs, QObject* parent = nullptr);

  /// Has the store told what going on would restore, unless it knows or the run does not go on.
  void look(const QString& folder);
  bool isLooking() const { return look_job_.isRunning(); }

  using Start = std::function<void(const widgets::LaunchRequest&)>;
  /// Calls `start` with the run's own settings; once when asked again before it has.
  void resume(const QString& folder, widgets::LaunchPlace place, Start start);
  /// The same for a finished run that is given more steps.
  void trainFurther(const QString& folder, const engine::RunExtension& extension,
                    widgets::LaunchPlace place, Start start);

 Q_SIGNALS:
  /// What stands in the way, or is worth knowing (a warning: it goes on all the same).
  void told(const engine::Problem& problem);

 private:
  using Change = std::function<engine::ParamValues(const engine::ParamValues&)>;
  void read(const QString& folder, widgets::LaunchPlace place, Change change, Start start);

  widgets::RunStore* runs_;
  BackgroundJob look_job_;
  std::map<QString, BackgroundJob> read_jobs_;  ///< by folder: no run takes another's place
};

}  // namespace app
