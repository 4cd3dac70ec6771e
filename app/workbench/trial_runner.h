// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

#include <QObject>
#include <QString>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace app {

/// Tries and scans transforms on one thread of its own, at a low priority. The model and text that
/// were loaded last stay in memory. A new request ends the one under way at once; what that one
/// would still have said is dropped. GUI thread.
class TrialRunner : public QObject {
  Q_OBJECT

 public:
  explicit TrialRunner(QObject* parent = nullptr);
  /// Cancels and waits for the thread.
  ~TrialRunner() override;

  /// What is loaded stays loaded while the stamp is the same.
  struct Subject {
    engine::TrialConfig config;
    QString stamp;  ///< of the configuration, and of the checkpoint's files as they are
  };

  void tryTransform(const engine::EngineApi& api, Subject subject, engine::TransformText text,
                    engine::TryOptions options);
  void scan(const engine::EngineApi& api, Subject subject, engine::TransformText text,
            engine::ScanOptions options);
  /// Ends what runs at once; nothing more is heard of it.
  void cancel();
  bool isBusy() const { return busy_; }
  /// Whether the thread is at work, be it on a job that was cancelled a moment ago.
  bool isComputing() const;

 Q_SIGNALS:
  void progressed(const QString& stage, double done, double total);
  void triedSoFar(const engine::TrialResult& result);  ///< more follows
  void tried(const engine::TrialResult& result);
  void entryMeasured(const engine::ScanEntry& entry);
  void scanned(const engine::ScanResult& result);
  void failed(const std::vector<engine::Problem>& problems);

 private:
  struct Job;
  struct Shared;

  void request(std::unique_ptr<Job> job);
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
  int id_ = 0;  ///< of the newest request
  bool busy_ = false;
};

}  // namespace app
