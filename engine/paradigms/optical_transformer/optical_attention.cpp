// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_attention.h"

#include "engine/error.h"
#include "engine/paradigms/optical_transformer/optical_noise.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/grad_mode.h>

#include <cmath>
#include <string>
#include <utility>

namespace engine::optical_transformer {
namespace {

std::string shape_text(const at::Tensor& tensor) {
  std::string text = "[";
  for (std::int64_t i = 0; i < tensor.dim(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.size(i));
  }
  return text + "]";
}

void require_shapes(const std::string& layer, const at::Tensor& q, const at::Tensor& k,
                    const at::Tensor& v) {
  const bool fits = q.dim() == 4 && k.dim() == 4 && v.sizes() == k.sizes() &&
                    q.size(0) == k.size(0) && q.size(3) == k.size(3) && k.size(1) > 0 &&
                    q.size(1) % k.size(1) == 0;
  if (fits) return;
  fail("shape-mismatch", {},
       layer + ": q " + shape_text(q) + ", k " + shape_text(k) + ", v " + shape_text(v) +
           " are not [B, H, S_q, D] and twice [B, H_kv, S_k, D]");
}

}  // namespace

OpticalAttention::OpticalAttention(std::unique_ptr<AttentionCore> original,
                                   const OpticalOptions& options, std::uint64_t run_seed)
    : AttentionCore(original->name(), original->shape()),
      original_(std::move(original)),
      options_(options),
      run_seed_(run_seed),
      query_range_("query_min_max", options.smooth_factor),
      key_range_("key_min_max", options.smooth_factor),
      qk_range_("qk_min_max", options.smooth_factor),
      value_range_("value_min_max", options.smooth_factor),
      av_range_("av_min_max", options.smooth_factor),
      probability_range_("attn_min_max", options.smooth_factor) {
  probability_range_.observe({0, 1});
}

std::vector<NamedState> OpticalAttention::simulation_state() {
  return {query_range_.state(),       key_range_.state(),   qk_range_.state(),
          probability_range_.state(), value_range_.state(), av_range_.state()};
}

at::Tensor OpticalAttention::forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const ForwardContext& context) {
  if (options_.bypass || q.numel() == 0 || k.numel() == 0) {
    return original_->forward(q, k, v, context);
  }
  require_cpu(q, name());
  require_shapes(name(), q, k, v);
  if (context.phase == Phase::calibrate) return observe_plain_attention(q, k, v, context);

  AttentionResult result;
  {
    const at::NoGradGuard no_gradient;
    const AttentionOperands exact{dense_float(q), dense_float(k), dense_float(v)};
    if (options_.observes(context)) {
      observe_operands(exact);
    } else {
      for (const RangeTracker* range :
           {&query_range_, &key_range_, &qk_range_, &value_range_, &av_range_}) {
        range->require_set(name());
      }
    }
    result.call = describe(q, k, v, context);
    compute(exact, context, result);
    result.y = result.y.to(context.compute_dtype);
  }
  return with_attention_gradient(q, k, v, result);
}

AttentionCall OpticalAttention::describe(const at::Tensor& q, const at::Tensor& k,
                                         const at::Tensor& v, const ForwardContext& context) const {
  AttentionCall call;
  call.batch = q.size(0);
  call.heads = q.size(1);
  call.kv_heads = v.size(1);
  call.queries = q.size(2);
  call.keys = k.size(2);
  call.head_dim = q.size(3);
  call.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(call.head_dim)));
  call.levels = options_.levels;
  call.noisy = options_.noise;
  call.clip = options_.clip_gradient;
  const std::int64_t scores = call.heads * call.queries * call.keys;
  const auto stream = [&](std::uint64_t role, std::int64_t per_sequence) {
    return noise_stream(run_seed_, name(), options_.seed, role, context, per_sequence);
  };
  call.qk_noise = stream(kernels::noise_role::optical_qk, scores);
  call.av_noise =
      stream(kernels::noise_role::optical_av, call.heads * call.queries * call.head_dim);
  if (context.phase == Phase::train) call.dropout = static_cast<float>(shape().dropout);
  call.dropout_noise = stream(kernels::noise_role::optical_dropout, scores);
  return call;
}

void OpticalAttention::observe_operands(const AttentionOperands& exact) {
  query_range_.observe(observed_range(exact.q, options_.quantiles));
  key_range_.observe(observed_range(exact.k, options_.quantiles));
  value_range_.observe(observed_range(exact.v, options_.quantiles));
}

/// Both read-outs use their range first and update it after; the first time it is made from the
/// accumulator at hand.
void OpticalAttention::compute(const AttentionOperands& exact, const ForwardContext& context,
                               AttentionResult& result) {
  AttentionCall& call = result.call;
  const bool observes = options_.observes(context);
  const bool repeats = context.recompute && is_finite(last_qk_range_) && is_finite(last_av_range_);
  const ScoreScope scope =
      options_.full_score_statistics && observes ? ScoreScope::full : ScoreScope::causal;
  result.lut_min = options_.lut_min;
  result.query_range = query_range_.range();
  result.key_range = key_range_.range();
  result.value_range = value_range_.range();
  const AttentionOperands operands = quantised_operands(result, exact.q, exact.k, exact.v);

  const bool first_scores = observes && !qk_range_.is_set();
  kernels::Range scores_before;
  if (first_scores || (observes && options_.quantiles)) {
    scores_before = score_range(call, operands, scope, options_.quantiles);
  }
  if (first_scores) qk_range_.observe(scores_before);
  call.qk_range = repeats ? last_qk_range_ : qk_range_.range();
  kernels::Range scores;
  const at::Tensor accumulator = context_accumulator(call, operands, scope, scores);
  if (observes && !first_scores) qk_range_.observe(options_.quantiles ? scores_before : scores);

  const bool first_context = observes && !av_range_.is_set();
  kernels::Range context_before;
  if (first_context || (observes && options_.quantiles)) {
    context_before = context_range(accumulator, options_.quantiles);
  }
  if (first_context) av_range_.observe(context_before);
  call.av_range = repeats ? last_av_range_ : av_range_.range();
  kernels::Range values;
  result.y = context_read_out(call, accumulator, values);
  if (observes && !first_context) av_range_.observe(options_.quantiles ? context_before : values);

  if (options_.clip_gradient) {
    result.inside = inside(accumulator, call.av_range);
  }
  last_qk_range_ = call.qk_range;
  last_av_range_ = call.av_range;
}

at::Tensor OpticalAttention::observe_plain_attention(const at::Tensor& q, const at::Tensor& k,
                                                     const at::Tensor& v,
                                                     const ForwardContext& context) {
  const at::Tensor attended = original_->forward(q, k, v, context);
  const at::NoGradGuard no_gradient;
  const AttentionOperands exact{dense_float(q), dense_float(k), dense_float(v)};
  observe_operands(exact);
  const ScoreScope scope = options_.full_score_statistics ? ScoreScope::full : ScoreScope::causal;
  qk_range_.observe(score_range(describe(q, k, v, context), exact, scope, options_.quantiles));
  av_range_.observe(context_range(dense_float(attended), options_.quantiles));
  return attended;
}

}  // namespace engine::optical_transformer
