// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/run_loop.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/devices.h"
#include "engine/error.h"
#include "engine/runs/run_record.h"
#include "engine/training/evaluator.h"
#include "engine/training/layer_statistics.h"

#include <ATen/ops/full.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace engine {
namespace {

at::Tensor device_number(double value, at::Device device) {
  return at::full({}, value, at::TensorOptions().dtype(at::kDouble).device(device));
}

}  // namespace

RunLoop::RunLoop(RunParts parts)
    : parts_(std::move(parts)),
      state_(parts_.manifest.trainer),
      position_{.epoch = state_.epoch, .consumed = state_.consumed},
      saver_(parts_.writer.folder().path, parts_.files, parts_.config.save_total_limit,
             parts_.config.save_async),
      watch_(parts_.config, parts_.model, parts_.optimizer, state_.step),
      loss_since_log_(device_number(state_.logged_loss_sum, parts_.model.device())),
      last_checkpoint_(parts_.last_checkpoint),
      started_(Clock::now()) {
  if (last_checkpoint_.empty()) return;
  saved_step_ = state_.step;
  watch_.learn(read_record(parts_.writer.folder().path).steps);
}

TrainOutcome RunLoop::run() {
  set_state(RunState::running);
  bool is_first = true;
  while (steps_done() < parts_.max_steps && !stop_is_wanted_) {
    take_step();
    if (std::exchange(is_first, false) && parts_.on_first_step) parts_.on_first_step();
    if (last_step_.measured) log_layer_stats();
    if (is_due(parts_.config.logging_steps)) log();
    if (parts_.config.eval_steps && is_due(*parts_.config.eval_steps)) evaluate();
    record_save(saver_.finished());
    if (save_is_due()) start_save();
    hear_requests();
    carry_out_requests();
  }
  is_ending_ = true;
  const bool is_complete = steps_done() >= parts_.max_steps;
  if (is_complete && parts_.config.do_eval) evaluate();
  if (!parts_.config.do_train) return finish("finished");
  if (!is_spoilt_) save();
  if (!is_complete || is_spoilt_) return finish("stopped");
  publish_model(parts_.writer.folder().path, parts_.writer.folder().path / last_checkpoint_);
  return finish("finished");
}

void RunLoop::take_step() {
  const StepBatches batches = parts_.loader->next();
  watch_.remember(steps_done(), batches.micro_batches);
  const auto begin = Clock::now();
  last_step_ = parts_.trainer.step(batches.micro_batches, [this] { hear_requests(); });
  seconds_since_log_ += std::chrono::duration<double>(Clock::now() - begin).count();
  loss_since_log_.add_(last_step_.loss);
  position_ = batches.after;
  state_.step = steps_done();
  state_.epoch = position_.epoch;
  state_.consumed = position_.consumed;
  state_.tokens += last_step_.tokens;
  tokens_since_log_ += last_step_.tokens;
  ++state_.logged_steps;
  if (!parts_.trainer.capture_failure().empty() && !std::exchange(capture_failure_said_, true)) {
    say("warning", "The steps could not be captured as CUDA graphs and go on without: " +
                       parts_.trainer.capture_failure());
  }
}

void RunLoop::log() {
  const auto begin = Clock::now();
  StepLogged event{
      .step = steps_done(),
      .epoch = epoch(),
      .loss = loss_since_log_.item<double>() / static_cast<double>(state_.logged_steps),
      .grad_norm = last_step_.grad_norm.item<double>(),
      .learning_rate = last_step_.learning_rate,
      .tokens = state_.tokens};
  // On a GPU the steps end here, with the first number read.
  seconds_since_log_ += std::chrono::duration<double>(Clock::now() - begin).count();
  event.tokens_per_second =
      static_cast<double>(tokens_since_log_) / std::max(seconds_since_log_, 1e-9);
  event.memory_bytes = memory_in_use(parts_.model.device());
  parts_.writer.write(event);
  if (!std::isfinite(event.grad_norm)) {
    say("warning", fmt::format("step {}: the gradients are not finite, so the update was left out",
                               steps_done()));
  }
  if (parts_.on_end && state_.logged_steps > 0) {
    step_seconds_.push_back(seconds_since_log_ / static_cast<double>(state_.logged_steps));
  }
  loss_since_log_.zero_();
  state_.logged_steps = 0;
  seconds_since_log_ = 0;
  tokens_since_log_ = 0;
  logged_step_ = steps_done();
  set_state(live_state());
  act_on(watch_.hear(event));
}

void RunLoop::log_layer_stats() {
  const auto begin = Clock::now();
  LayerStats event{.step = steps_done(),
                   .values = layer_statistics(parts_.model, last_step_.gradient_norms)};
  seconds_since_log_ += std::chrono::duration<double>(Clock::now() - begin).count();
  if (event.values.empty()) return;
  parts_.writer.write(event);
  act_on(watch_.hear(event));
}

void RunLoop::act_on(const std::vector<DivergenceSeen>& divergences) {
  for (const DivergenceSeen& seen : divergences) {
    parts_.writer.write(seen);
    const bool stops = seen.action == "stop";
    if ((stops || seen.action == "checkpoint") && !watch_.weights_are_finite()) {
      is_spoilt_ = true;
      say("warning",
          fmt::format("The weights after step {} are not finite and are not saved: the last "
                      "checkpoint stands ({})",
                      steps_done(), last_checkpoint_.empty() ? "there is none" : last_checkpoint_));
    } else if (seen.action == "checkpoint") {
      wanted_saves_.push_back({});
    }
    if (seen.action == "pause") wanted_pause_ = Asked{};
    if (stops) {
      stop_is_wanted_ = true;
      set_state(RunState::stopping, to_string(RunRequest::stop));
    }
  }
}

void RunLoop::evaluate() {
  if (parts_.validation == nullptr || evaluated_step_ == steps_done()) return;
  const EvaluationRange range{.first_block = 0,
                              .blocks = parts_.validation->blocks(),
                              .batch_size = parts_.config.per_device_eval_batch_size};
  const EvaluationOptions options{.compute_dtype = parts_.config.bf16 ? at::kBFloat16 : at::kFloat,
                                  .step = steps_done()};
  bool was_left = false;
  Measurement measured;
  try {
    measured =
        measure(parts_.model, *parts_.validation, range, options, [&](std::int64_t, std::int64_t) {
          hear_requests();
          carry_out_requests();
          was_left = stop_is_wanted_;
          return !was_left;
        });
  } catch (const Error&) {
    if (!was_left) throw;
    say("info", fmt::format("The evaluation at step {} was left for the stop", steps_done()));
    return;
  }
  evaluated_step_ = steps_done();
  parts_.writer.write(Evaluated{.step = steps_done(),
                                .epoch = epoch(),
                                .eval_loss = measured.loss,
                                .perplexity = measured.perplexity(),
                                .eval_accuracy = measured.accuracy,
                                .eval_tokens = measured.tokens,
                                .eval_runtime = measured.seconds});
}

void RunLoop::start_save(bool at_once) {
  if (saved_step_ == steps_done() || is_spoilt_) return;
  record_save(saver_.wait());
  Manifest manifest = parts_.manifest;
  manifest.trainer = state_;
  manifest.trainer.logged_loss_sum = loss_since_log_.item<double>();
  saver_.start(parts_.model, parts_.optimizer, std::move(manifest), at_once);
  saved_step_ = steps_done();
}

void RunLoop::save() {
  start_save(true);
  record_save(saver_.wait());
}

void RunLoop::record_save(const std::optional<SavedState>& saved) {
  if (!saved) return;
  last_checkpoint_ = saved->result.path.filename().string();
  checkpoint_bytes_ = saved->result.bytes;
  parts_.writer.write(CheckpointSaved{.step = saved->step,
                                      .path = last_checkpoint_,
                                      .bytes = saved->result.bytes,
                                      .seconds = saved->result.seconds,
                                      .stall_seconds = saved->stall_seconds});
  answer_saves();
}

void RunLoop::settle_save() { record_save(saver_.wait()); }

bool RunLoop::is_due(std::int64_t every) const {
  return steps_done() % every == 0 || steps_done() == parts_.max_steps;
}

bool RunLoop::save_is_due() const {
  const std::string& strategy = parts_.config.save_strategy;
  if (strategy == "epoch") return position_.consumed == 0;
  return strategy == "steps" && steps_done() % parts_.config.save_steps == 0;
}

void RunLoop::say(const std::string& level, const std::string& text) {
  parts_.writer.write(RunMessage{.step = steps_done(), .level = level, .text = text});
}

void RunLoop::set_state(RunState state, const std::string& request, const std::string& id) {
  parts_.writer.set_status(state, steps_done(), parts_.max_steps, request, id);
}

RunState RunLoop::live_state() const {
  if (stop_is_wanted_) return RunState::stopping;
  return is_paused_ ? RunState::paused : RunState::running;
}

double RunLoop::epoch() const {
  if (parts_.train_blocks == 0) return 0;
  return static_cast<double>(position_.epoch) +
         static_cast<double>(position_.consumed) / static_cast<double>(parts_.train_blocks);
}

TrainOutcome RunLoop::finish(const std::string& outcome) {
  const bool is_finished = outcome == "finished";
  const std::chrono::duration<double> seconds = Clock::now() - started_;
  if (parts_.on_end) {
    // The first steps load libraries and record graphs: a mean would be a short run's start.
    const auto middle =
        step_seconds_.begin() + static_cast<std::ptrdiff_t>(step_seconds_.size() / 2);
    std::nth_element(step_seconds_.begin(), middle, step_seconds_.end());
    parts_.on_end({.step = steps_done(),
                   .seconds = seconds.count(),
                   .step_seconds = step_seconds_.empty() ? -1 : *middle,
                   .checkpoint_bytes = checkpoint_bytes_});
  }
  parts_.writer.write(
      RunFinished{.step = steps_done(), .outcome = outcome, .seconds = seconds.count()});
  set_state(is_finished ? RunState::finished : RunState::stopped);
  return {.finished = is_finished,
          .stopped = !is_finished,
          .failed = false,
          .step = steps_done(),
          .run_dir = parts_.writer.folder().path.string(),
          .message = {},
          .last_checkpoint = last_checkpoint_};
}

}  // namespace engine
