// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/cost_estimator.h"

#include "app/workbench/estimate_process.h"
#include "app/workbench/job_report.h"

#include <QMetaObject>

#include <optional>
#include <utility>

namespace app {

CostEstimator::CostEstimator(QObject* parent) : QObject(parent) {}

CostEstimator::~CostEstimator() { cancel(); }

void CostEstimator::start(const engine::EngineApi& engine, engine::RunConfig config,
                          const engine::EstimateOptions& options) {
  cancel();
  auto job = job_ = std::make_shared<Job>();
  // What is posted to `this` is safe: the destructor joins the thread first.
  thread_ = std::jthread([this, &engine, job, options, config = std::move(config),
                          earlier = std::move(thread_)]() mutable {
    if (earlier.joinable()) earlier.join();
    const auto post = [this, job](auto tell) {
      QMetaObject::invokeMethod(
          this,
          [this, job, tell = std::move(tell)] {
            if (job_ == job) tell();
          },
          Qt::QueuedConnection);
    };
    ReportPace pace;
    const auto on_progress = [&](const std::string& stage, double done, double total) {
      if (pace.isDue()) {
        post([this, name = QString::fromStdString(stage), share = total > 0 ? done / total : -1.0] {
          Q_EMIT progressed(name, share);
        });
      }
      return !job->cancelled;
    };
    std::optional<engine::CostEstimate> estimate;
    std::vector<engine::Problem> problems = problems_of([&] {
      if (!job->cancelled) estimate = engine.estimate(config, options, on_progress);
    });
    post([this, estimate = std::move(estimate), problems = std::move(problems)] {
      job_.reset();
      if (estimate) {
        Q_EMIT finished(*estimate);
      } else {
        Q_EMIT failed(problems);
      }
    });
  });
}

void CostEstimator::startApart(const QString& paradigm, const engine::ParamValues& values,
                               const engine::EstimateOptions& options) {
  cancel();
  auto* process = process_ = new EstimateProcess(paradigm, values, options, this);
  connect(process, &EstimateProcess::progressed, this,
          [this](const QString& stage) { Q_EMIT progressed(stage, -1); });
  const auto leave = [this] {
    process_->deleteLater();
    process_ = nullptr;
  };
  connect(process, &EstimateProcess::finished, this,
          [this, leave](const engine::CostEstimate& estimate) {
            leave();
            Q_EMIT finished(estimate);
          });
  connect(process, &EstimateProcess::failed, this,
          [this, leave](const std::vector<engine::Problem>& problems) {
            leave();
            Q_EMIT failed(problems);
          });
}

void CostEstimator::cancel() {
  if (process_ != nullptr) std::exchange(process_, nullptr)->abandon();
  if (job_ == nullptr) return;
  job_->cancelled = true;
  job_.reset();
}

}  // namespace app
