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

class EstimateProcess;

/// Has the engine estimate what a run costs, one at a time: on a thread of this program for a run
/// that would train on one, else in a process of its own. GUI thread.
class CostEstimator : public QObject {
  Q_OBJECT

 public:
  explicit CostEstimator(QObject* parent = nullptr);
  /// Cancels, and waits for the micro-batch that is being computed.
  ~CostEstimator() override;

  /// An estimate under way is cancelled first; the new one begins when that has let go.
  void start(const engine::EngineApi& engine, engine::RunConfig config,
             const engine::EstimateOptions& options = {});
  /// The same by the program `paradigm`, whose memory holds nothing of this one.
  void startApart(const QString& paradigm, const engine::ParamValues& values,
                  const engine::EstimateOptions& options = {});
  /// At once: nothing of it is told any more, while its thread or process winds down.
  void cancel();
  bool isRunning() const { return job_ != nullptr || process_ != nullptr; }

 Q_SIGNALS:
  void progressed(const QString& stage, double share);  ///< share below 0 = not known
  void finished(const engine::CostEstimate& estimate);
  void failed(const std::vector<engine::Problem>& problems);

 private:
  struct Job {
    std::atomic<bool> cancelled = false;
  };

  std::shared_ptr<Job> job_;
  EstimateProcess* process_ = nullptr;  ///< a child, as are those that were given up
  std::jthread thread_;
};

}  // namespace app
