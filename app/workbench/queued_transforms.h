// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"
#include "widgets/models/run_queue.h"

#include <QString>
#include <QTemporaryDir>

#include <memory>
#include <optional>

namespace app {

/// The transforms of the runs that wait: a run applies what it was asked to apply, also when the
/// file has been edited since. GUI thread.
class QueuedTransforms {
 public:
  /// Copies are kept below this folder from now on; before, for as long as this object lives.
  void keepIn(const QString& data_folder) { data_folder_ = data_folder; }

  /// Copies the transform that `run` names. One that cannot be read is left for the start to tell.
  void freeze(widgets::QueuedRun& run);
  /// `run` is about to start. When its file has changed since, it gets a copy that stays, and what
  /// is returned says so.
  std::optional<engine::Problem> thaw(widgets::QueuedRun& run);
  /// `run` waits no more: its copy is removed unless one of `waiting` has the same.
  void release(const widgets::QueuedRun& run, const widgets::RunQueue& waiting);

 private:
  QString folder();

  QString data_folder_;
  std::unique_ptr<QTemporaryDir> temporary_;
};

}  // namespace app
