// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/cost_estimator.h"

#include "engine/error.h"

#include <QMetaObject>

#include <chrono>
#include <exception>
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
    auto reported = std::chrono::steady_clock::time_point{};
    const auto on_progress = [&](const std::string& stage, double done, double total) {
      const auto now = std::chrono::steady_clock::now();
      if (now - reported >= std::chrono::milliseconds(40)) {
        reported = now;
        post([this, name = QString::fromStdString(stage), share = total > 0 ? done / total : -1.0] {
          Q_EMIT progressed(name, share);
        });
      }
      return !job->cancelled;
    };
    std::optional<engine::CostEstimate> estimate;
    std::vector<engine::Problem> problems;
    try {
      if (!job->cancelled) estimate = engine.estimate(config, options, on_progress);
    } catch (const engine::Error& error) {
      problems = error.problems();
    } catch (const std::exception& error) {
      engine::Problem problem;
      problem.id = "unexpected";
      problem.message = error.what();
      problems.push_back(std::move(problem));
    }
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

void CostEstimator::cancel() {
  if (job_ == nullptr) return;
  job_->cancelled = true;
  job_.reset();
}

}  // namespace app
