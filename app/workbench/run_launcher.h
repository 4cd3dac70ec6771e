// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/runs/run_control.h"

#include <QObject>
#include <QString>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace app {

/// Trains on a thread of this program, one run at a time. What happens in the run is read from its
/// folder like any other; this class only starts it, passes requests on and says when the thread
/// has ended. GUI thread.
class RunLauncher : public QObject {
  Q_OBJECT

 public:
  explicit RunLauncher(QObject* parent = nullptr);
  /// Asks a running training to stop at once and waits for it.
  ~RunLauncher() override;

  bool isBusy() const { return folder_.has_value(); }
  QString folder() const { return folder_.value_or(QString()); }

  /// config.output_dir must be set. Nothing may be running.
  void start(const engine::EngineApi& engine, engine::RunConfig config);
  /// Before the first step a stop cancels the preparation.
  void request(engine::RunRequest request);

 Q_SIGNALS:
  void started(const QString& folder);
  void progressed(const QString& folder, const QString& stage, double share);
  void refused(const QString& folder, const std::vector<engine::Problem>& problems);
  void ended(const QString& folder);

 private:
  struct Job;

  std::optional<QString> folder_;
  std::shared_ptr<Job> job_;
  std::jthread thread_;
};

}  // namespace app
