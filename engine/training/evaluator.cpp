// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/evaluator.h"

#include "engine/error.h"
#include "engine/training/chunked_cross_entropy.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace engine {
namespace {

ForwardContext context_for(Phase phase, const EvaluationOptions& options) {
  return {.phase = phase, .compute_dtype = options.compute_dtype, .step = options.step};
}

/// Walks the range batch by batch; `use` gets the ids on the model's device and the context for
/// them.
template <typename Use>
void for_each_batch(Llama& model, const TokenDataset& data, const EvaluationRange& range,
                    ForwardContext context, const EvaluationProgress& on_progress, Use&& use) {
  const at::NoGradGuard no_grad;
  for (std::int64_t done = 0; done < range.blocks;) {
    const std::int64_t rows = std::min(range.batch_size, range.blocks - done);
    context.first_sequence = range.first_sequence + done;
    use(blocks_of(data, range.first_block + done, rows).to(model.device()), context);
    done += rows;
    if (on_progress && !on_progress(done, range.blocks)) fail("cancelled", {}, "cancelled");
  }
}

}  // namespace

at::Tensor blocks_of(const TokenDataset& data, std::int64_t first, std::int64_t count) {
  at::Tensor ids = at::empty({count, data.block_size()}, at::TensorOptions().dtype(at::kLong));
  auto* out = ids.mutable_data_ptr<std::int64_t>();
  for (std::int64_t row = 0; row < count; ++row) {
    data.copy_block(first + row, out + row * data.block_size());
  }
  return ids;
}

EvaluationRange batch_of(const EvaluationRange& range, std::int64_t batch) {
  const std::int64_t done = batch * range.batch_size;
  return {.first_block = range.first_block + done,
          .blocks = std::min(range.batch_size, range.blocks - done),
          .batch_size = range.batch_size,
          .first_sequence = range.first_sequence + done};
}

double Measurement::perplexity() const { return std::exp(loss); }

Measurement measure(Llama& model, const TokenDataset& data, const EvaluationRange& range,
                    const EvaluationOptions& options, const EvaluationProgress& on_progress) {
  const auto started = std::chrono::steady_clock::now();
  const auto on_device = at::TensorOptions().device(model.device());
  at::Tensor loss = at::zeros({}, on_device.dtype(at::kDouble));
  at::Tensor correct = at::zeros({}, on_device.dtype(at::kLong));
  Measurement result;
  for_each_batch(model, data, range, context_for(Phase::evaluate, options), on_progress,
                 [&](const at::Tensor& ids, const ForwardContext& batch_context) {
                   const TokenLoss part = next_token_loss(model, ids, batch_context, /*scale=*/1.0,
                                                          /*count_correct=*/true);
                   loss.add_(part.loss);
                   correct.add_(part.correct);
                   result.tokens += part.tokens;
                 });
  const double tokens = static_cast<double>(std::max<std::int64_t>(1, result.tokens));
  result.loss = loss.item<double>() / tokens;
  result.accuracy = static_cast<double>(correct.item<std::int64_t>()) / tokens;
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return result;
}

std::vector<double> batch_losses(Llama& model, const TokenDataset& data,
                                 const EvaluationRange& range, const EvaluationOptions& options,
                                 const EvaluationProgress& on_progress) {
  std::vector<double> losses;
  for_each_batch(model, data, range, context_for(Phase::evaluate, options), on_progress,
                 [&](const at::Tensor& ids, const ForwardContext& context) {
                   const TokenLoss part = next_token_loss(model, ids, context, /*scale=*/1.0,
                                                          /*count_correct=*/false, options.ask);
                   const auto tokens = static_cast<double>(std::max<std::int64_t>(1, part.tokens));
                   losses.push_back(part.loss.item<double>() / tokens);
                 });
  return losses;
}

void calibrate(Llama& model, const TokenDataset& data, const EvaluationRange& range,
               const EvaluationOptions& options, const EvaluationProgress& on_progress) {
  for_each_batch(model, data, range, context_for(Phase::calibrate, options), on_progress,
                 [&](const at::Tensor& ids, const ForwardContext& batch_context) {
                   next_token_loss(model, ids, batch_context, /*scale=*/1.0,
                                   /*count_correct=*/false, options.ask);
                 });
}

}  // namespace engine
