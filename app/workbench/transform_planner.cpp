// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/transform_planner.h"

#include <QMetaObject>
#include <QPointer>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>

namespace app {
namespace {

/// What a text can hold never throws; running out of memory does, and must not end the program.
widgets::PlanViewPtr planned_or_said(
    const std::shared_ptr<const widgets::OpenCheckpoint>& checkpoint,
    const std::optional<std::string>& text, const std::string& file,
    const std::vector<engine::ParadigmInfo>& infos, const widgets::PlanViewPtr& last,
    const std::stop_token& stop) {
  try {
    return widgets::plan_text(checkpoint, text, file, infos, last, stop);
  } catch (const std::exception& error) {
    auto view = std::make_shared<widgets::PlanView>(*last);
    engine::Problem problem;
    problem.id = "unexpected";
    problem.place.file = file;
    problem.message = std::string("the plan failed: ") + error.what();
    view->problems = {problem};
    view->is_stale = true;
    return view;
  }
}

}  // namespace

struct TransformPlanner::Task {
  std::mutex mutex;
  std::condition_variable done;
  bool is_done = false;         ///< guarded by the mutex
  widgets::PlanViewPtr result;  ///< guarded by the mutex; null when it was stopped
  std::stop_source stop;
};

TransformPlanner::TransformPlanner(int patience_ms)
    : patience_ms_(patience_ms),
      infos_(engine::paradigm_infos()),
      view_(std::make_shared<widgets::PlanView>()) {
  pool_.setMaxThreadCount(1);
}

TransformPlanner::~TransformPlanner() {
  if (task_ != nullptr) task_->stop.request_stop();
  pool_.waitForDone();
}

void TransformPlanner::setCheckpoint(std::shared_ptr<const widgets::OpenCheckpoint> checkpoint) {
  checkpoint_ = std::move(checkpoint);
  planAgain();
}

void TransformPlanner::setTransform(std::optional<std::string> text, const QString& file) {
  text_ = std::move(text);
  file_ = file;
  planAgain();
}

void TransformPlanner::planAgain() {
  if (task_ != nullptr) {
    is_outdated_ = true;
    task_->stop.request_stop();
    return;
  }
  start();
}

void TransformPlanner::start() {
  is_outdated_ = false;
  auto task = std::make_shared<Task>();
  task_ = task;
  const QPointer<TransformPlanner> receiver(this);
  pool_.start([task, receiver, this, checkpoint = checkpoint_, text = text_,
               file = file_.toStdString(), last = view_] {
    auto view = planned_or_said(checkpoint, text, file, infos_, last, task->stop.get_token());
    {
      const std::lock_guard lock(task->mutex);
      task->result = std::move(view);
      task->is_done = true;
    }
    task->done.notify_one();
    // The destructor waits for this thread, so that `this` is alive here.
    QMetaObject::invokeMethod(
        this,
        [receiver, task] {
          if (receiver) receiver->finish(task);
        },
        Qt::QueuedConnection);
  });
  {
    std::unique_lock lock(task->mutex);
    task->done.wait_for(lock, std::chrono::milliseconds(patience_ms_),
                        [&] { return task->is_done; });
  }
  finish(task);
}

void TransformPlanner::finish(const std::shared_ptr<Task>& task) {
  if (task != task_) return;  // was waited for
  {
    const std::lock_guard lock(task->mutex);
    if (!task->is_done) return;
    if (task->result != nullptr) view_ = task->result;
  }
  task_ = nullptr;
  if (is_outdated_) {
    start();
  } else {
    Q_EMIT planned();
  }
}

}  // namespace app
