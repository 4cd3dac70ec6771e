// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_liveness.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace engine {
namespace {

namespace fs = std::filesystem;
using Kind = LastWord::Kind;

/// Status is renewed at every logged step; a step of a large model may take a while.
constexpr double kSilenceInSeconds = 120;
/// A connection to the host of a copied run says something every second.
constexpr double kLinkSilenceInSeconds = 20;

std::string duration_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / 86400);
}

bool is_final(RunState state) {
  return state == RunState::finished || state == RunState::stopped || state == RunState::failed ||
         state == RunState::interrupted;
}

ObservedState from_last_word(const LastWord& word) {
  switch (word.kind) {
    case Kind::finished:
      return {RunState::finished, ""};
    case Kind::stopped:
      return {RunState::stopped, fmt::format("stopped at step {}", word.step)};
    default:
      return {RunState::failed, word.what};
  }
}

/// Whether the process that wrote `status` lives on this host.
bool process_lives(const RunStatus& status) {
  const auto start_time = process_start_time(status.pid);
  return start_time && (status.process_start_time == 0 || *start_time == status.process_start_time);
}

/// The writer is gone without a last word. How, if the process that started it could tell.
ObservedState gone(const StateEvidence& evidence, std::int64_t step) {
  const auto& end = evidence.end;
  const auto& status = evidence.status;
  const bool is_its_end = end && status && end->pid == status->pid &&
                          end->process_start_time == status->process_start_time;
  std::string text = is_its_end ? text_of(*end) : "writer gone";
  text += step == 0 ? " before the first step" : fmt::format(" at step {}", step);
  if (!evidence.last_checkpoint.empty()) text += ", last checkpoint: " + evidence.last_checkpoint;
  return {RunState::interrupted, text};
}

/// What another host says through files that both see. Its clock, or this one, may be set: what
/// changes under the eyes of a watcher counts more than the times that are written.
ObservedState judge_other_host(const StateEvidence& evidence) {
  const RunStatus& status = *evidence.status;
  const double age = unix_time() - status.updated;
  if (evidence.unchanged_for && *evidence.unchanged_for <= kSilenceInSeconds) {
    return {status.state, "on host " + status.host};
  }
  if (!evidence.unchanged_for && std::abs(age) <= kSilenceInSeconds) {
    return {status.state, fmt::format("on host {}, last sign {} ago", status.host,
                                      duration_text(std::max(0.0, age)))};
  }
  if (!evidence.unchanged_for && age < 0) {
    return {RunState::unknown, fmt::format("no sign yet from host {}, whose clock is {} ahead",
                                           status.host, duration_text(-age))};
  }
  return {RunState::unknown,
          fmt::format("no sign for {} from host {}",
                      duration_text(evidence.unchanged_for.value_or(age)), status.host)};
}

/// What there is to say of a run that has not ended as far as its copy knows.
ObservedState judge_copy(const StateEvidence& evidence, std::int64_t step) {
  const RemoteSign& remote = *evidence.remote;
  const std::string& host = remote.link.host;
  const double silence = unix_time() - remote.link.heard;
  if (remote.link.heard <= 0) {
    return {RunState::unknown, host.empty() ? "not connected yet" : "no connection to " + host};
  }
  if (silence < -kLinkSilenceInSeconds) {
    return {RunState::unknown, "no connection to " + host + " since this clock was set back"};
  }
  // What a copy says that nobody keeps was true when the host was heard last, however lately.
  const bool is_heard = remote.link.is_connected && silence <= kLinkSilenceInSeconds;
  if (!is_heard || !remote.link.is_current) {
    std::string text = is_heard ? "catching up with " + host
                                : fmt::format("no connection to {} for {}", host,
                                              duration_text(std::max(0.0, silence)));
    if (evidence.status) text += fmt::format("; {} then", to_string(evidence.status->state));
    if (!remote.link.trouble.empty()) text += ": " + remote.link.trouble;
    return {RunState::unknown, text};
  }
  if (remote.lock == LockState::free) return gone(evidence, step);
  const auto& status = evidence.status;
  if (!status || status->state == RunState::unknown) {
    return {step > 0 ? RunState::running : RunState::starting, "on host " + host};
  }
  return {status->state, "on host " + host};
}

/// Another process than the one that wrote the status holds the lock: it goes on with the run and
/// has not said so yet.
bool is_being_resumed(const StateEvidence& evidence) {
  const auto& status = evidence.status;
  return evidence.lock == LockState::held && evidence.holder_pid > 0 && status &&
         (status->host.empty() || status->host == host_name()) &&
         (evidence.holder_pid != status->pid ||
          evidence.holder_start_time != status->process_start_time);
}

}  // namespace

void LastWord::hear(const RunEvent& event) {
  if (const auto* started = std::get_if<RunStarted>(&event.body)) {
    *this = {Kind::started, started->step, ""};
  } else if (const auto* finished = std::get_if<RunFinished>(&event.body)) {
    *this = {finished->outcome == "stopped" ? Kind::stopped : Kind::finished, finished->step, ""};
  } else if (const auto* failed = std::get_if<RunFailed>(&event.body)) {
    *this = {Kind::failed, failed->step, failed->what};
    if (!failed->last_checkpoint.empty()) {
      what += fmt::format(" (last good checkpoint: {})", failed->last_checkpoint);
    }
  }
}

std::optional<RunStatus> read_status(const fs::path& run_dir) {
  const FileDescriptor file = open_regular_file(RunFolder{run_dir}.status().c_str());
  if (!file) return std::nullopt;
  constexpr std::size_t kLongest = 1 << 16;
  return parse_run_status(read_at(file, 0, kLongest));
}

StateEvidence look_at_folder(const fs::path& run_dir) {
  const RunFolder folder{run_dir};
  StateEvidence evidence;
  evidence.folder_exists = is_there(run_dir);
  evidence.is_run =
      is_there(folder.events()) || is_there(folder.status()) || is_there(folder.run_yaml());
  evidence.lock = RunLock::state(run_dir);
  if (evidence.lock == LockState::held) {
    std::tie(evidence.holder_pid, evidence.holder_start_time) = RunLock::last_owner(run_dir);
    return evidence;
  }
  evidence.remote = read_remote_sign(run_dir);
  evidence.end = read_process_end(run_dir);
  const auto checkpoints = list_checkpoints(run_dir);
  if (!checkpoints.empty()) {
    evidence.last_checkpoint = checkpoints.back().path.filename().string();
  }
  return evidence;
}

ObservedState judge(const StateEvidence& evidence) {
  if (!evidence.folder_exists) return {RunState::unknown, "folder not reachable"};
  if (!evidence.is_run) return {RunState::unknown, "no run in this folder"};
  if (is_being_resumed(evidence)) return {RunState::starting, "preparing to go on"};

  const auto& status = evidence.status;
  const LastWord& word = evidence.last_word;
  const bool has_ended =
      word.kind == Kind::finished || word.kind == Kind::stopped || word.kind == Kind::failed;
  // A writer whose status is not that of an end is resuming and has not said so in the events yet.
  const LockState lock = evidence.remote ? evidence.remote->lock : evidence.lock;
  const bool goes_on = status && !is_final(status->state) && lock == LockState::held;
  if (has_ended && !goes_on) return from_last_word(word);

  if (status && is_final(status->state)) {
    return {status->state, fmt::format("at step {}", status->step)};
  }
  const std::int64_t step = std::max(evidence.last_step, status ? status->step : 0);
  if (evidence.remote) return judge_copy(evidence, step);
  if (evidence.lock == LockState::held) {
    if (!status || status->state == RunState::unknown) {
      return {evidence.last_step > 0 ? RunState::running : RunState::starting, ""};
    }
    return {status->state, ""};
  }
  if (!status) return gone(evidence, step);
  if (!status->host.empty() && status->host != host_name()) {
    return judge_other_host(evidence);
  }
  const bool lives = evidence.lock == LockState::unknown && process_lives(*status);
  return lives ? ObservedState{status->state, ""} : gone(evidence, step);
}

}  // namespace engine
