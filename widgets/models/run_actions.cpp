// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_actions.h"

#include "engine/runs/process_identity.h"

#include <QObject>

namespace widgets {
namespace {

using engine::RunRequest;
using engine::RunState;

QString tr(const char* text) { return QObject::tr(text); }

bool is_stop(RunRequest request) {
  return request == RunRequest::stop || request == RunRequest::stop_now;
}

bool is_resume(RunAction action) {
  return action == RunAction::resume_here || action == RunAction::resume_apart ||
         action == RunAction::copy_resume;
}

double age_of_request(const RunRecord& run) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - run.requested_at).count();
}

QString why_no_kill(const RunRecord& run) {
  if (run.in_window) return tr("It trains in this window, which would go with it.");
  if (!run.status || run.status->pid <= 0) return tr("It has not said which process it is.");
  const bool is_here = run.status->host.empty() || run.status->host == engine::host_name();
  if (!is_here && run.address.isEmpty()) {
    return tr("It runs on host %1.").arg(QString::fromStdString(run.status->host));
  }
  const bool is_patient = is_stop(run.requested) && age_of_request(run) >= kPatienceInSeconds;
  if (run.state != RunState::stopping && !is_patient) {
    return tr("First ask it to stop: killing is for a run that does not answer.");
  }
  return {};
}

QString why_no_resume(RunAction action, const RunRecord& run) {
  if (run.is_live()) return tr("The run is %1.").arg(engine::to_string(run.state));
  if (run.state == RunState::queued) return tr("It waits in the queue.");
  if (!run.offer) return tr("Its checkpoints are being looked at.");
  const bool is_told = action == RunAction::copy_resume && !run.offer->command.empty();
  if (is_told) return {};
  if (!run.offer->possible) {
    return tr("It cannot be resumed: %1.").arg(QString::fromStdString(run.offer->restores));
  }
  if (!run.writable) return tr("Its folder is not writable.");
  return {};
}

QString why_not_further(const RunRecord& run) {
  if (run.is_live()) return tr("The run is %1.").arg(engine::to_string(run.state));
  if (run.state == RunState::queued) return tr("It waits in the queue.");
  if (run.state != RunState::finished) return tr("It has not finished.");
  if (!run.address.isEmpty()) return tr("It is on another machine.");
  if (!run.offer) return tr("Its checkpoints are being looked at.");
  if (!run.offer->possible) {
    return tr("It cannot be trained further: %1.").arg(QString::fromStdString(run.offer->restores));
  }
  return run.writable ? QString() : tr("Its folder is not writable.");
}

}  // namespace

bool is_for(RunAction action, const RunRecord& run) {
  if (action == RunAction::further) {
    return run.state == RunState::finished && run.address.isEmpty();
  }
  if (!is_resume(action)) return run.is_live();
  if (action != RunAction::copy_resume && !run.address.isEmpty()) return false;
  const bool has_begun = run.refusal.isEmpty() || run.observed != RunState::unknown;
  return has_begun && (run.state == RunState::stopped || run.state == RunState::failed ||
                       run.state == RunState::interrupted);
}

QString why_not(RunAction action, const RunRecord* run) {
  if (run == nullptr) return tr("No run is shown.");
  if (is_resume(action)) return why_no_resume(action, *run);
  if (action == RunAction::further) return why_not_further(*run);
  if (!run->is_live()) {
    return tr("The run is %1: there is nobody to ask.").arg(engine::to_string(run->state));
  }
  if (action == RunAction::kill) return why_no_kill(*run);
  if (!run->writable) {
    return tr("Its folder is not writable: a run is asked through the file control in it.");
  }
  const bool stops = run->state == RunState::stopping || is_stop(run->requested);
  if (action == RunAction::stop && stops) return tr("It is stopping already.");
  if (action == RunAction::stop_now && run->requested == RunRequest::stop_now) {
    return tr("It has been asked to.");
  }
  if (action == RunAction::stop || action == RunAction::stop_now) return {};
  if (stops) return tr("It is stopping.");
  if (run->state == RunState::starting) return tr("It has not begun its first step.");
  if (run->requested != RunRequest::none && age_of_request(*run) < kPatienceInSeconds) {
    return tr("It has not yet answered the last request (%1).").arg(request_text(run->requested));
  }
  const bool is_paused = run->state == RunState::paused;
  if (action == RunAction::pause && is_paused) return tr("It is paused already.");
  if (action == RunAction::proceed && !is_paused) return tr("It is not paused.");
  return {};
}

engine::RunRequest request_of(RunAction action) {
  switch (action) {
    case RunAction::pause:
      return RunRequest::pause;
    case RunAction::proceed:
      return RunRequest::resume;
    case RunAction::checkpoint:
      return RunRequest::checkpoint;
    case RunAction::stop:
      return RunRequest::stop;
    case RunAction::stop_now:
      return RunRequest::stop_now;
    case RunAction::extend:
      return RunRequest::extend;
    default:
      return RunRequest::none;
  }
}

QString request_text(engine::RunRequest request) {
  switch (request) {
    case RunRequest::resume:
      return tr("continue");
    case RunRequest::stop_now:
      return tr("stop at once");
    default:
      return QString::fromLatin1(engine::to_string(request));
  }
}

}  // namespace widgets
