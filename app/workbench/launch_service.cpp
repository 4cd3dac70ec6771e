// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/launch_service.h"

#include "app/workbench/detached_runs.h"
#include "app/workbench/engine_loader.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/launch_memory.h"
#include "widgets/models/run_store.h"
#include "widgets/panels/cost_view.h"
#include "widgets/panels/launch_panel.h"

#include <QSettings>

namespace app {

LaunchService::LaunchService(widgets::LaunchPanel* panel, const EngineLoader* engine,
                             const widgets::RunStore* runs, QSettings* settings, QObject* parent)
    : QObject(parent), panel_(panel), engine_(engine), runs_(runs), settings_(settings) {
  connect(engine_, &EngineLoader::stateChanged, this, &LaunchService::updateBlocked);
  connect(panel_, &widgets::LaunchPanel::checksWanted, this, &LaunchService::check);
  connect(panel_, &widgets::LaunchPanel::launchRequested, this,
          [this](const widgets::LaunchRequest& request) {
            cancelEstimate();  // its model would take the run's memory
            if (settings_ != nullptr) widgets::remember_launch(*settings_, request);
          });
  connect(runs_, &widgets::RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (!predicted_folder_.isEmpty() && folders.contains(predicted_folder_)) showOutcome();
  });
  connectEstimator();
  updateBlocked();
}

void LaunchService::connectEstimator() {
  auto* cost = panel_->cost();
  connect(panel_, &widgets::LaunchPanel::estimateWanted, this, &LaunchService::estimate);
  connect(panel_, &widgets::LaunchPanel::estimateCancelled, this, &LaunchService::cancelEstimate);
  connect(&estimator_, &CostEstimator::progressed, cost, &widgets::CostView::showProgress);
  connect(&estimator_, &CostEstimator::finished, panel_, &widgets::LaunchPanel::showEstimate);
  connect(&estimator_, &CostEstimator::failed, cost,
          [cost](const std::vector<engine::Problem>& problems) {
            cost->showProblem(problems.empty() ? engine::Problem{} : problems.front());
          });
}

void LaunchService::restore() {
  if (settings_ == nullptr) return;
  const widgets::LaunchRequest last = widgets::remembered_launch(*settings_);
  panel_->form()->setValues(last.values);
  panel_->setPlace(last.place);
}

void LaunchService::setTraining(bool training) {
  training_ = training;
  if (training) cancelEstimate();
  updateBlocked();
}

void LaunchService::launched(const QString& folder) {
  predicted_folder_ = panel_->request().prediction ? folder : QString();
}

void LaunchService::check(const engine::ParamValues& values) {
  const engine::EngineApi* api = engine_->api();
  if (api == nullptr) return;
  check_job_.start([api, values] { return api->preflight(engine::run_config_from(values)); },
                   [this, values](JobResult<std::vector<engine::Problem>> result) {
                     auto found = result.value ? std::move(*result.value) : result.problems;
                     panel_->setChecks(values, std::move(found));
                   });
}

void LaunchService::estimate(const engine::ParamValues& values,
                             const engine::EstimateOptions& options) {
  if (engine_->api() == nullptr || training_) return;
  predicted_folder_.clear();
  panel_->cost()->showProgress(tr("preparing"), -1);
  if (panel_->place() == widgets::LaunchPlace::separate_process) {
    estimator_.startApart(paradigm_program(), values, options);
    return;
  }
  estimator_.start(*engine_->api(), engine::run_config_from(values), options);
}

void LaunchService::cancelEstimate() {
  if (!estimator_.isRunning()) return;
  estimator_.cancel();
  panel_->cost()->stopProgress();
}

void LaunchService::updateBlocked() {
  const bool has_engine = engine_->api() != nullptr;
  panel_->setCheckable(has_engine);
  QString reason;
  if (engine_->state() == EngineLoader::State::unavailable) {
    reason = tr("The engine is unavailable.");
  } else if (!has_engine) {
    reason = tr("The engine is still loading.");
  } else if (training_) {
    reason = tr("While a run trains here, an estimate would disturb it.");
  }
  panel_->cost()->setBlocked(reason);
}

void LaunchService::showOutcome() {
  const auto* run = runs_->find(predicted_folder_);
  if (run == nullptr || !run->cost) return;
  panel_->cost()->showOutcome(run->name, *run->cost);
}

}  // namespace app
