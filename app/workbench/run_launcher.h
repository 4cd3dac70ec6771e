// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/runs/run_control.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <vector>

namespace app {

/// Trains on threads of this program, one for each run; that no two of them want one device is the
/// caller's concern. What happens in a run is read from its folder like any other; this class only
/// starts it, passes requests on and says when its thread has ended. GUI thread.
class RunLauncher : public QObject {
  Q_OBJECT

 public:
  explicit RunLauncher(QObject* parent = nullptr);
  /// Asks what trains to stop at once and waits for it.
  ~RunLauncher() override;

  bool isBusy() const { return !jobs_.empty(); }
  bool trains(const QString& folder) const { return jobs_.count(folder) != 0; }
  /// Of the runs that train now.
  QStringList folders() const;

  /// config.output_dir must be set, and not train here already.
  void start(const engine::EngineApi& engine, engine::RunConfig config);
  /// Before the first step a stop cancels the preparation.
  void request(const QString& folder, engine::RunRequest request);

 Q_SIGNALS:
  void started(const QString& folder);
  void progressed(const QString& folder, const QString& stage, double share);
  void refused(const QString& folder, const std::vector<engine::Problem>& problems);
  void ended(const QString& folder);

 private:
  struct Job {
    engine::RunControl control;
    std::atomic<bool> cancelled = false;
    std::jthread thread;  ///< ends before what it uses, being the last member
  };

  void train(const QString& folder, const engine::EngineApi& engine,
             const engine::RunConfig& config, Job& job);
  void end(const QString& folder, const std::vector<engine::Problem>& problems);

  std::map<QString, std::unique_ptr<Job>> jobs_;
};

}  // namespace app
