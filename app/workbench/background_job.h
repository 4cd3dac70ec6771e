// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/job_report.h"

#include <QCoreApplication>
#include <QMetaObject>
#include <QObject>
#include <QPointer>
#include <QThreadPool>

#include <memory>
#include <optional>
#include <vector>

namespace app {

/// What a background job brought back: a value, or why there is none.
template <class T>
struct JobResult {
  std::optional<T> value;
  std::vector<engine::Problem> problems;
};

/// Computes elsewhere, delivers on the GUI thread, drops what is stale: one slot for one kind of
/// result. Starting again makes the result under way stale; so does destroying the slot. The worker
/// never touches the slot.
class BackgroundJob : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  /// `compute` runs on a pool thread and may throw engine::Error; `deliver(JobResult<T>)` runs on
  /// the GUI thread, unless it became stale.
  template <class Compute, class Deliver>
  void start(Compute compute, Deliver deliver) {
    using Value = decltype(compute());
    const int id = ++id_;
    running_ = true;
    QPointer<BackgroundJob> slot(this);
    QThreadPool::globalInstance()->start(
        [id, slot, compute = std::move(compute), deliver = std::move(deliver)]() mutable {
          auto result = std::make_shared<JobResult<Value>>();
          result->problems = problems_of([&] { result->value.emplace(compute()); });
          QMetaObject::invokeMethod(
              QCoreApplication::instance(),
              [id, slot, result, deliver = std::move(deliver)]() mutable {
                if (slot.isNull() || slot->id_ != id) return;
                slot->running_ = false;
                deliver(std::move(*result));
              },
              Qt::QueuedConnection);
        });
  }

  /// Makes the result under way stale.
  void cancel() {
    ++id_;
    running_ = false;
  }
  bool isRunning() const { return running_; }

 private:
  int id_ = 0;
  bool running_ = false;
};

}  // namespace app
