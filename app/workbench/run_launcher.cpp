// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_launcher.h"

#include "engine/error.h"

#include <QMetaObject>

#include <chrono>
#include <exception>

namespace app {

struct RunLauncher::Job {
  engine::RunControl control;
  std::atomic<bool> cancelled = false;
};

RunLauncher::RunLauncher(QObject* parent) : QObject(parent) {}

RunLauncher::~RunLauncher() {
  if (job_ == nullptr) return;
  job_->cancelled = true;
  job_->control.request(engine::RunRequest::stop);
}

void RunLauncher::start(const engine::EngineApi& engine, engine::RunConfig config) {
  const QString folder = QString::fromStdString(config.output_dir);
  folder_ = folder;
  job_ = std::make_shared<Job>();
  Q_EMIT started(folder);

  // Everything posted to `this` from the thread is safe: the destructor joins the thread first.
  thread_ = std::jthread([this, &engine, folder, config = std::move(config), job = job_] {
    std::vector<engine::Problem> problems;
    auto reported = std::chrono::steady_clock::time_point{};
    const auto on_progress = [&](const std::string& stage, double done, double total) {
      const auto now = std::chrono::steady_clock::now();
      if (now - reported >= std::chrono::milliseconds(40)) {
        reported = now;
        const double share = total > 0 ? done / total : -1;
        QMetaObject::invokeMethod(
            this,
            [this, folder, name = QString::fromStdString(stage), share] {
              if (folder_ == folder) Q_EMIT progressed(folder, name, share);
            },
            Qt::QueuedConnection);
      }
      return !job->cancelled;
    };
    try {
      engine.train(config, job->control, on_progress);
    } catch (const engine::Error& error) {
      problems = error.problems();
    } catch (const std::exception& error) {
      engine::Problem problem;
      problem.id = "unexpected";
      problem.message = error.what();
      problems.push_back(std::move(problem));
    }
    QMetaObject::invokeMethod(
        this,
        [this, folder, problems = std::move(problems)] {
          thread_.join();
          folder_.reset();
          job_.reset();
          if (!problems.empty()) Q_EMIT refused(folder, problems);
          Q_EMIT ended(folder);
        },
        Qt::QueuedConnection);
  });
}

void RunLauncher::request(engine::RunRequest request) {
  if (job_ == nullptr) return;
  if (request == engine::RunRequest::stop || request == engine::RunRequest::stop_now) {
    job_->cancelled = true;
  }
  job_->control.request(request);
}

}  // namespace app
