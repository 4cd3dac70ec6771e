// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/run_loop.h"

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/devices.h"
#include "engine/error.h"
#include "engine/training/evaluator.h"
#include "engine/training/layer_statistics.h"

#include <ATen/ops/full.h>

#include <fmt/format.h>

#include <cmath>
#include <thread>
#include <utility>

namespace engine {
namespace {

constexpr auto kPauseTick = std::chrono::milliseconds(20);

at::Tensor device_number(double value, at::Device device) {
  return at::full({}, value, at::TensorOptions().dtype(at::kDouble).device(device));
}

}  // namespace

RunLoop::RunLoop(RunParts parts)
    : parts_(std::move(parts)),
      state_(parts_.manifest.trainer),
      position_{.epoch = state_.epoch, .consumed = state_.consumed},
      loss_since_log_(device_number(state_.logged_loss_sum, parts_.model.device())),
      last_checkpoint_(parts_.last_checkpoint),
      started_(Clock::now()) {
  if (!last_checkpoint_.empty()) saved_step_ = state_.step;
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
    obey_requests();
    if (save_is_due() || std::exchange(save_is_wanted_, false)) save();
  }
  const bool is_complete = steps_done() >= parts_.max_steps;
  if (is_complete && parts_.config.do_eval) evaluate();
  if (!parts_.config.do_train) return finish("finished");
  save();
  if (!is_complete) return finish("stopped");
  publish_model(parts_.writer.folder().path, parts_.writer.folder().path / last_checkpoint_);
  return finish("finished");
}

void RunLoop::take_step() {
  const StepBatches batches = parts_.loader->next();
  const auto begin = Clock::now();
  last_step_ = parts_.trainer.step(batches.micro_batches, [this] { obey_requests(); });
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
  loss_since_log_.zero_();
  state_.logged_steps = 0;
  seconds_since_log_ = 0;
  tokens_since_log_ = 0;
  logged_step_ = steps_done();
  set_state(stop_is_wanted_ ? RunState::stopping : RunState::running);
}

void RunLoop::log_layer_stats() {
  const auto begin = Clock::now();
  LayerStats event{.step = steps_done(), .values = layer_statistics(parts_.model)};
  seconds_since_log_ += std::chrono::duration<double>(Clock::now() - begin).count();
  if (!event.values.empty()) parts_.writer.write(event);
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
          obey_requests();
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

void RunLoop::save() {
  if (saved_step_ == steps_done()) return;
  const RunFolder& folder = parts_.writer.folder();
  Manifest manifest = parts_.manifest;
  manifest.trainer = state_;
  manifest.trainer.logged_loss_sum = loss_since_log_.item<double>();
  const SaveResult saved = save_checkpoint(folder.path, parts_.model, parts_.optimizer,
                                           parts_.files, std::move(manifest));
  saved_step_ = steps_done();
  last_checkpoint_ = saved.path.filename().string();
  parts_.writer.write(CheckpointSaved{.step = steps_done(),
                                      .path = last_checkpoint_,
                                      .bytes = saved.bytes,
                                      .seconds = saved.seconds});
  rotate_checkpoints(folder.path, parts_.config.save_total_limit, saved.path);
}

bool RunLoop::is_due(std::int64_t every) const {
  return steps_done() % every == 0 || steps_done() == parts_.max_steps;
}

bool RunLoop::save_is_due() const {
  const std::string& strategy = parts_.config.save_strategy;
  if (strategy == "epoch") return position_.consumed == 0;
  return strategy == "steps" && steps_done() % parts_.config.save_steps == 0;
}

void RunLoop::obey_requests() {
  const RunRequest request = parts_.control.poll();
  if (const auto complaint = parts_.control.take_complaint()) say("warning", *complaint);
  switch (request) {
    case RunRequest::none:
    case RunRequest::resume:
      return;
    case RunRequest::checkpoint:
      save_is_wanted_ = true;
      set_state(RunState::running, to_string(request));
      return;
    case RunRequest::pause:
      set_state(RunState::paused, to_string(request));
      wait_while_paused();
      return;
    case RunRequest::stop:
      stop_is_wanted_ = true;
      set_state(RunState::stopping, to_string(request));
      return;
    case RunRequest::stop_now:
      throw StoppedAtOnce{};
  }
}

void RunLoop::wait_while_paused() {
  while (true) {
    std::this_thread::sleep_for(kPauseTick);
    const RunRequest request = parts_.control.poll();
    if (const auto complaint = parts_.control.take_complaint()) say("warning", *complaint);
    if (request == RunRequest::stop_now) throw StoppedAtOnce{};
    if (request == RunRequest::checkpoint) save_is_wanted_ = true;
    if (request == RunRequest::stop) stop_is_wanted_ = true;
    if (request == RunRequest::resume || request == RunRequest::stop) {
      set_state(stop_is_wanted_ ? RunState::stopping : RunState::running, to_string(request));
      return;
    }
  }
}

void RunLoop::say(const std::string& level, const std::string& text) {
  parts_.writer.write(RunMessage{.step = steps_done(), .level = level, .text = text});
}

void RunLoop::set_state(RunState state, const std::string& request) {
  parts_.writer.set_status(state, steps_done(), parts_.max_steps, request);
}

double RunLoop::epoch() const {
  if (parts_.train_blocks == 0) return 0;
  return static_cast<double>(position_.epoch) +
         static_cast<double>(position_.consumed) / static_cast<double>(parts_.train_blocks);
}

TrainOutcome RunLoop::finish(const std::string& outcome) {
  const bool is_finished = outcome == "finished";
  const std::chrono::duration<double> seconds = Clock::now() - started_;
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
