// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_requests.h"

#include "app/workbench/detached_runs.h"
#include "app/workbench/run_launcher.h"
#include "engine/error.h"
#include "engine/remote/remote_copy.h"
#include "engine/runs/process_identity.h"

#include <signal.h>

#include <cerrno>
#include <cstring>

namespace app {

using engine::RunRequest;

RunRequests::RunRequests(widgets::RunStore* runs, RunLauncher* launcher, DetachedRuns* detached,
                         QObject* parent)
    : QObject(parent), runs_(runs), launcher_(launcher), detached_(detached) {}

const widgets::RunRecord* RunRequests::liveRun(const QString& folder) const {
  const auto* run = runs_->find(folder);
  return run != nullptr && run->is_live() ? run : nullptr;
}

void RunRequests::ask(const QString& folder, RunRequest request) {
  const auto* run = liveRun(folder);
  if (run == nullptr) return;
  if (!run->seen_live) {
    // Before the run listens to its folder, only its thread or process can be told.
    if (run->in_window) launcher_->request(folder, request);
    if (run->starting_apart) detached_->cancel(folder);
    runs_->setRequested(folder, request);
    return;
  }
  try {
    runs_->setRequested(folder, request,
                        engine::write_control_request(folder.toStdString(), request));
  } catch (const engine::Error& error) {
    Q_EMIT failed(folder, error.problems().front());
  }
}

void RunRequests::extend(const QString& folder, const engine::RunExtension& extension) {
  if (liveRun(folder) == nullptr) return;
  try {
    runs_->setRequested(folder, RunRequest::extend,
                        engine::write_control_request(folder.toStdString(), extension));
  } catch (const engine::Error& error) {
    Q_EMIT failed(folder, error.problems().front());
  }
}

void RunRequests::kill(const QString& folder) {
  const auto* run = liveRun(folder);
  if (run == nullptr || !run->status || run->status->pid <= 1) return;
  const auto pid = run->status->pid;
  engine::Problem problem;
  problem.id = "not-killed";
  problem.place.file = folder.toStdString();
  problem.value = std::to_string(pid);
  if (!run->address.isEmpty()) {
    killThere(folder, *run->status);
    return;
  }
  const auto start_time = engine::process_start_time(pid);
  if (!start_time || *start_time != run->status->process_start_time) {
    problem.message = "process " + problem.value + " of the run is gone";
    Q_EMIT failed(folder, problem);
  } else if (::kill(static_cast<pid_t>(pid), SIGKILL) != 0) {
    problem.message = "process " + problem.value + " could not be killed: " + std::strerror(errno);
    problem.remedy = errno == EPERM ? "It belongs to another user, who can" : "";
    Q_EMIT failed(folder, problem);
  }
}

void RunRequests::killThere(const QString& folder, const engine::RunStatus& status) {
  try {
    engine::write_remote_kill(folder.toStdString(), status.pid, status.process_start_time);
  } catch (const engine::Error& error) {
    Q_EMIT failed(folder, error.problems().front());
  }
}

}  // namespace app
