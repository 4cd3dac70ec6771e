// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/trainer.h"

#include "engine/training/chunked_cross_entropy.h"
#include "kernels/noise_key.h"

#include <ATen/Context.h>
#include <ATen/ops/zeros.h>

#include <utility>

namespace engine {

Trainer::Trainer(Llama& model, AdamW& optimizer, TrainerOptions options, std::int64_t steps_done)
    : model_(model), optimizer_(optimizer), options_(std::move(options)), step_(steps_done) {}

StepMetrics Trainer::step(const std::vector<at::Tensor>& micro_batches,
                          const std::function<void()>& before_micro_batch) {
  StepMetrics metrics{.loss = at::zeros({}, at::TensorOptions().device(model_.device())),
                      .grad_norm = {},
                      .learning_rate = options_.schedule.at(step_),
                      .tokens = 0,
                      .measured = false};
  std::int64_t predicted = 0;
  for (const at::Tensor& ids : micro_batches) predicted += ids.size(0) * (ids.size(1) - 1);

  if (model_.config().attention_dropout > 0) {
    at::manual_seed(kernels::mix(options_.seed ^ kernels::mix(static_cast<std::uint64_t>(step_))));
  }
  metrics.measured =
      options_.layer_stats_steps > 0 && (step_ + 1) % options_.layer_stats_steps == 0;
  zero_gradients(model_.parameters());
  ForwardContext context{
      .phase = Phase::train, .compute_dtype = options_.compute_dtype, .step = step_};
  for (const at::Tensor& ids : micro_batches) {
    if (before_micro_batch) before_micro_batch();
    context.measure = metrics.measured && &ids == &micro_batches.back();
    const TokenLoss part = next_token_loss(model_, ids.to(model_.device()), context,
                                           1.0 / static_cast<double>(predicted));
    part.loss.backward();
    metrics.loss.add_(part.loss.detach());
    metrics.tokens += ids.numel();
    ++context.micro_step;
  }

  const GradientNorm gradients = gradient_norm(model_.parameters(), options_.max_grad_norm);
  optimizer_.step(metrics.learning_rate, gradients);
  ++step_;

  metrics.grad_norm = gradients.norm;
  return metrics;
}

}  // namespace engine
