// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/trainer.h"

#include "engine/device/cuda_rows.h"
#include "engine/training/chunked_cross_entropy.h"
#include "kernels/noise_key.h"

#include <ATen/Context.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace engine {

Trainer::Trainer(Llama& model, AdamW& optimizer, TrainerOptions options, std::int64_t steps_done)
    : model_(model),
      optimizer_(optimizer),
      options_(std::move(options)),
      step_(steps_done),
      stage_(model.device()) {}

StepMetrics Trainer::step(const std::vector<at::Tensor>& micro_batches,
                          const std::function<void()>& before_micro_batch) {
  StepMetrics metrics;
  metrics.learning_rate = options_.schedule.at(step_);
  metrics.measured = options_.layer_stats_steps > 0 &&
                     (step_ + 1) % options_.layer_stats_steps == 0 && model_.is_transformed();
  for (const at::Tensor& ids : micro_batches) metrics.tokens += ids.numel();

  // A graph does not ask whether somebody else changed weights since its last replay.
  const std::vector<WorkingWeights*> working = model_.working_weights();
  for (WorkingWeights* const stack : working) stack->refresh();
  CapturedStep* const graph = captured(micro_batches, metrics.measured);
  // It is recorded again at the next step. After a measured one in any case: the layers then keep
  // other tensors than those that a recording fills.
  if (graph == nullptr && captured_ && (metrics.measured || !captured_->leaves_room())) {
    captured_.reset();
  }
  has_measured_ = has_measured_ || metrics.measured;
  metrics.loss =
      graph != nullptr
          ? graph->run(step_, micro_batches, stage_, metrics.measured, before_micro_batch).clone()
          : run_passes(micro_batches, metrics.measured, before_micro_batch);
  const GradientNorm gradients = gradient_norm(model_.parameters(), options_.max_grad_norm);
  optimizer_.step(metrics.learning_rate, gradients, working);
  ++step_;

  metrics.grad_norm = gradients.norm;
  metrics.gradient_norms = gradients.of_each;
  return metrics;
}

void Trainer::release_memory() {
  captured_.reset();
  for (WorkingWeights* const stack : model_.working_weights()) stack->release();
  zero_gradients(model_.parameters());
}

/// Forward and backward of all micro-batches, launched kernel by kernel.
at::Tensor Trainer::run_passes(const std::vector<at::Tensor>& micro_batches, bool measures,
                               const std::function<void()>& before_micro_batch) {
  if (model_.config().attention_dropout > 0) {
    at::manual_seed(kernels::mix(options_.seed ^ kernels::mix(static_cast<std::uint64_t>(step_))));
  }
  std::int64_t predicted = 0;
  for (const at::Tensor& ids : micro_batches) predicted += ids.size(0) * (ids.size(1) - 1);
  at::Tensor loss = at::zeros({}, at::TensorOptions().device(model_.device()));
  zero_gradients(model_.parameters());
  ForwardContext context{.phase = Phase::train,
                         .compute_dtype = options_.compute_dtype,
                         .step = step_,
                         .checkpointing = options_.checkpointing};
  for (const at::Tensor& ids : micro_batches) {
    if (before_micro_batch) before_micro_batch();
    context.measure = measures && &ids == &micro_batches.back();
    context.measure_gradient = context.measure;
    const TokenLoss part = next_token_loss(model_, stage_.on_device(ids), context,
                                           1.0 / static_cast<double>(predicted));
    part.loss.backward();
    loss.add_(part.loss.detach());
    ++context.micro_step;
  }
  return loss;
}

/// The captured step for micro-batches like these; null when they are to be run kernel by kernel.
CapturedStep* Trainer::captured(const std::vector<at::Tensor>& micro_batches, bool measures) {
  if (options_.graph_memory == nullptr || !capture_failure_.empty()) return nullptr;
  const at::Tensor& first = micro_batches.front();
  if (!has_cuda_kernels(model_.device())) return nullptr;
  const auto is_like_first = [&](const at::Tensor& ids) { return ids.sizes() == first.sizes(); };
  if (!std::all_of(micro_batches.begin(), micro_batches.end(), is_like_first)) return nullptr;
  const CapturedShape shape{.micro_batches = static_cast<std::int64_t>(micro_batches.size()),
                            .rows = first.size(0),
                            .block = first.size(1),
                            .compute_dtype = options_.compute_dtype,
                            .checkpointing = options_.checkpointing,
                            .is_sampled = has_measured_ && !measuring_fails_};
  if (measures && !shape.is_sampled) return nullptr;
  // An epoch may end in a smaller step: that one is not worth a recording.
  if (captured_) return captured_->shape() == shape ? captured_.get() : nullptr;
  if (shape != last_shape_) steps_of_shape_ = 0;
  last_shape_ = shape;
  if (steps_of_shape_++ < kStepsBeforeCapture || !model_.is_capturable(step_)) return nullptr;
  try {
    captured_ = std::make_unique<CapturedStep>(options_.graph_memory, model_, shape, step_);
  } catch (const std::exception& error) {
    if (shape.is_sampled) {
      measuring_fails_ = true;
    } else {
      capture_failure_ = error.what();
    }
  }
  return captured_.get();
}

}  // namespace engine
