// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_reader.h"

#include <QObject>
#include <QString>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace app {

struct WatchedUpdate {
  QString folder;
  engine::RunUpdate update;
  bool writable = true;  ///< a request can be left in the folder
  QString address{};     ///< ssh://host/path of what the folder is a copy of
  QString identity{};    ///< engine::run_identity(), with the updates that a part of the run begins
};

/// Reads all watched run folders on one thread and hands what is new to the GUI thread, at most one
/// batch per turn: live runs every 40 ms, ended ones every 2 s, folders of runs (roots) every 2 s.
class RunWatcher : public QObject {
  Q_OBJECT

 public:
  explicit RunWatcher(QObject* parent = nullptr);
  ~RunWatcher() override;

  /// Absolute folders. May be called again for a folder; it is then looked at soon.
  void watch(const QString& folder);
  /// The same, and looks at it as at a live run for a minute: it is about to begin.
  void expect(const QString& folder);
  void addRoot(const QString& folder);
  QStringList roots() const;

 Q_SIGNALS:
  /// A run appeared below a root.
  void found(const QString& folder);
  void updated(const std::vector<app::WatchedUpdate>& batch);

 private:
  struct Watched;

  void work(const std::stop_token& stop);
  void post(std::vector<WatchedUpdate> batch, std::vector<QString> found);
  void drain();

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<QString> asked_;     ///< to be watched
  std::vector<QString> expected_;  ///< those of them that are about to begin
  std::vector<QString> roots_;
  bool hurry_ = false;
  std::vector<WatchedUpdate> pending_;
  std::vector<QString> pending_found_;
  bool posted_ = false;
  std::jthread thread_;
};

}  // namespace app
