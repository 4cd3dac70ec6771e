// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

#include <QObject>
#include <QString>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace app {

/// Has the engine estimate what a run costs, on a thread of its own, one at a time. GUI thread.
class CostEstimator : public QObject {
  Q_OBJECT

 public:
  explicit CostEstimator(QObject* parent = nullptr);
  /// Cancels, and waits for the micro-batch that is being computed.
  ~CostEstimator() override;

  /// An estimate under way is cancelled first; the new one begins when that has let go.
  void start(const engine::EngineApi& engine, engine::RunConfig config,
             const engine::EstimateOptions& options = {});
  /// At once: nothing of it is told any more, while its thread winds down.
  void cancel();
  bool isRunning() const { return job_ != nullptr; }

 Q_SIGNALS:
  void progressed(const QString& stage, double share);  ///< share below 0 = not known
  void finished(const engine::CostEstimate& estimate);
  void failed(const std::vector<engine::Problem>& problems);

 private:
  struct Job {
    std::atomic<bool> cancelled = false;
  };

  std::shared_ptr<Job> job_;
  std::jthread thread_;
};

}  // namespace app
