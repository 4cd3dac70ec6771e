// SPDX-License-Identifier: GPL-3.0-or-later
// How a run obeys: requests are heard at any time and carried out between steps.
#include "engine/training/run_loop.h"

#include <fmt/format.h>

#include <thread>
#include <utility>

namespace engine {
namespace {

constexpr auto kPauseTick = std::chrono::milliseconds(20);
constexpr const char* kDone = "done";
constexpr const char* kRefused = "refused";

}  // namespace

void RunLoop::hear_requests() {
  parts_.writer.keep_alive();
  const RunRequest request = parts_.control.poll();
  if (const auto complaint = parts_.control.take_complaint()) say("warning", *complaint);
  const Asked asked{parts_.control.id(), parts_.control.extension()};
  switch (request) {
    case RunRequest::none:
      return;
    case RunRequest::stop_now:
      answer(request, asked.id, kDone, "");
      throw StoppedAtOnce{};
    case RunRequest::stop:
      stop_is_wanted_ = true;
      set_state(RunState::stopping, to_string(request), asked.id);
      answer(request, asked.id, kDone, "Stopping after this step, with a checkpoint");
      return;
    case RunRequest::pause:
      wanted_pause_ = asked;
      return;
    case RunRequest::resume:
      wanted_pause_.reset();
      is_paused_ = false;
      set_state(live_state(), to_string(request), asked.id);
      answer(request, asked.id, kDone, "");
      return;
    case RunRequest::checkpoint:
      wanted_saves_.push_back(asked);
      set_state(live_state(), to_string(request), asked.id);
      return;
    case RunRequest::extend:
      wanted_extension_ = asked;
      return;
  }
}

void RunLoop::carry_out_requests() {
  if (const auto asked = std::exchange(wanted_extension_, std::nullopt)) {
    const std::int64_t before = parts_.max_steps;
    extend(asked->extension);
    const bool is_done = parts_.max_steps != before;
    if (is_done) set_state(live_state(), to_string(RunRequest::extend), asked->id);
    answer(RunRequest::extend, asked->id, is_done ? kDone : kRefused,
           is_done      ? fmt::format("max_steps is now {}, it was {}", parts_.max_steps, before)
           : is_ending_ ? "the run has done its last step"
                        : fmt::format("max_steps {} is not more than the run's {}",
                                      asked->extension.max_steps, before));
  }
  if (!wanted_saves_.empty()) {
    start_save();
    for (Asked& asked : std::exchange(wanted_saves_, {})) unanswered_saves_.push_back(asked);
    if (!saver_.is_busy()) answer_saves();
  }
  if (wanted_pause_ && stop_is_wanted_) {
    answer(RunRequest::pause, std::exchange(wanted_pause_, std::nullopt)->id, kRefused,
           "the run is stopping");
  }
  if (wanted_pause_) pause();
}

void RunLoop::pause() {
  const Asked asked = *std::exchange(wanted_pause_, std::nullopt);
  if (!is_paused_) {
    is_paused_ = true;
    set_state(RunState::paused, to_string(RunRequest::pause), asked.id);
  }
  answer(RunRequest::pause, asked.id, kDone, fmt::format("Paused after step {}", steps_done()));
  while (is_paused_ && !stop_is_wanted_) {
    std::this_thread::sleep_for(kPauseTick);
    record_save(saver_.finished());
    hear_requests();
    if (stop_is_wanted_) is_paused_ = false;
    if (is_paused_ && wanted_pause_) {
      answer(RunRequest::pause, std::exchange(wanted_pause_, std::nullopt)->id, kDone,
             "The run is paused already");
    }
    if (is_paused_) carry_out_requests();
  }
}

/// The checkpoint of this step comes first: whoever resumes from an earlier one repeats the steps
/// up to here, and they must see the learning rates that they saw.
void RunLoop::extend(const RunExtension& extension) {
  if (is_ending_ || extension.max_steps <= parts_.max_steps) return;
  const std::int64_t before = std::exchange(parts_.max_steps, extension.max_steps);
  state_.max_steps = extension.max_steps;
  save();
  const LrSchedule schedule = parts_.on_extended(extension);
  parts_.trainer.set_schedule(schedule);
  parts_.writer.write(RunExtended{.step = steps_done(),
                                  .before = before,
                                  .max_steps = extension.max_steps,
                                  .schedule = to_string(extension.schedule)});
  const bool stretches = extension.schedule == ScheduleChange::stretch;
  say("info",
      fmt::format("max_steps goes from {} to {}; the learning rate's schedule {}: {:.4g} at the "
                  "next step, {:.4g} at the last",
                  before, extension.max_steps,
                  stretches ? "is stretched over all of them"
                            : fmt::format("goes on as before up to step {}, and keeps its last "
                                          "value from there",
                                          schedule.total_steps),
                  schedule.at(steps_done()), schedule.at(extension.max_steps - 1)));
}

void RunLoop::answer(RunRequest request, const std::string& id, const std::string& outcome,
                     const std::string& text) {
  parts_.writer.write(ControlAnswered{.step = steps_done(),
                                      .request = to_string(request),
                                      .id = id,
                                      .outcome = outcome,
                                      .text = text});
}

void RunLoop::answer_saves() {
  for (const Asked& asked : std::exchange(unanswered_saves_, {})) {
    answer(RunRequest::checkpoint, asked.id, kDone, "Saved " + last_checkpoint_);
  }
}

}  // namespace engine
