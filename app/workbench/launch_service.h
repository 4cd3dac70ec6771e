// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "app/workbench/cost_estimator.h"
#include "widgets/models/launch_request.h"

#include <QObject>
#include <QString>

class QSettings;

namespace widgets {
class LaunchPanel;
class RunStore;
}  // namespace widgets

namespace app {

class EngineLoader;

/// What stands behind the launch panel: preflight and estimate through the engine, in the
/// background; the settings of the last launch; predicted beside actual when the run has told.
class LaunchService : public QObject {
  Q_OBJECT

 public:
  /// `settings` may be null: nothing is remembered. All must outlive the service.
  LaunchService(widgets::LaunchPanel* panel, const EngineLoader* engine,
                const widgets::RunStore* runs, QSettings* settings, QObject* parent = nullptr);

  /// Fills the form with the settings of the last launch.
  void restore();
  /// A run trains on a thread of this program: an estimate would take its time from it.
  void setTraining(bool training);
  /// The run that the panel asked for last has begun in `folder`.
  void launched(const QString& folder);

  const CostEstimator& estimator() const { return estimator_; }

 private:
  void connectEstimator();
  void check(const engine::ParamValues& values);
  void estimate(const engine::ParamValues& values, const engine::EstimateOptions& options);
  void cancelEstimate();
  void updateBlocked();
  void showOutcome();

  widgets::LaunchPanel* panel_;
  const EngineLoader* engine_;
  const widgets::RunStore* runs_;
  QSettings* settings_;
  BackgroundJob check_job_;
  CostEstimator estimator_;
  QString predicted_folder_;  ///< of the last run that was launched with an estimate
  bool training_ = false;
};

}  // namespace app
