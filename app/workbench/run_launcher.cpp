// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_launcher.h"

#include "app/workbench/job_report.h"

#include <QMetaObject>

namespace app {

RunLauncher::RunLauncher(QObject* parent) : QObject(parent) {}

RunLauncher::~RunLauncher() {
  for (const QString& folder : folders()) request(folder, engine::RunRequest::stop);
}

QStringList RunLauncher::folders() const {
  QStringList folders;
  for (const auto& [folder, job] : jobs_) folders << folder;
  return folders;
}

void RunLauncher::start(const engine::EngineApi& engine, engine::RunConfig config) {
  const QString folder = QString::fromStdString(config.output_dir);
  Job& job = *(jobs_[folder] = std::make_unique<Job>());
  Q_EMIT started(folder);
  job.thread = std::jthread([this, &engine, &job, folder, config = std::move(config)] {
    train(folder, engine, config, job);
  });
}

/// On the job's thread. Everything posted to `this` is safe: the destructor joins the thread first.
void RunLauncher::train(const QString& folder, const engine::EngineApi& engine,
                        const engine::RunConfig& config, Job& job) {
  ReportPace pace;
  const auto on_progress = [&](const std::string& stage, double done, double total) {
    if (pace.isDue()) {
      const double share = total > 0 ? done / total : -1;
      QMetaObject::invokeMethod(
          this,
          [this, folder, name = QString::fromStdString(stage), share] {
            Q_EMIT progressed(folder, name, share);
          },
          Qt::QueuedConnection);
    }
    return !job.cancelled;
  };
  std::vector<engine::Problem> problems =
      problems_of([&] { engine.train(config, job.control, on_progress); });
  QMetaObject::invokeMethod(
      this, [this, folder, problems = std::move(problems)] { end(folder, problems); },
      Qt::QueuedConnection);
}

void RunLauncher::end(const QString& folder, const std::vector<engine::Problem>& problems) {
  jobs_.erase(folder);
  if (!problems.empty()) Q_EMIT refused(folder, problems);
  Q_EMIT ended(folder);
}

void RunLauncher::request(const QString& folder, engine::RunRequest request) {
  const auto found = jobs_.find(folder);
  if (found == jobs_.end()) return;
  if (request == engine::RunRequest::stop || request == engine::RunRequest::stop_now) {
    found->second->cancelled = true;
  }
  found->second->control.request(request);
}

}  // namespace app
