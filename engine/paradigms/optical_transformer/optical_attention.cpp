// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_attention.h"

#include "engine/device/shape_text.h"
#include "engine/error.h"
#include "engine/paradigms/optical_transformer/fused_attention.h"
#include "engine/paradigms/optical_transformer/measured_sites.h"
#include "engine/paradigms/optical_transformer/optical_noise.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace engine::optical_transformer {
namespace {

void require_shapes(const std::string& layer, const at::Tensor& q, const at::Tensor& k,
                    const at::Tensor& v) {
  if (is_attention(q, k, v)) return;
  fail("shape-mismatch", {},
       layer + ": q " + shape_text(q) + ", k " + shape_text(k) + ", v " + shape_text(v) +
           " are not [B, H, S_q, D] and twice [B, H_kv, S_k, D]");
}

}  // namespace

OpticalAttention::OpticalAttention(std::unique_ptr<AttentionCore> original,
                                   const OpticalOptions& options, std::uint64_t run_seed,
                                   c10::Device device)
    : AttentionCore(original->name(), original->shape()),
      original_(std::move(original)),
      options_(options),
      run_seed_(run_seed),
      device_(device),
      refused_(refusal_count(device)),
      query_range_("query_min_max", refused_),
      key_range_("key_min_max", refused_),
      qk_range_("qk_min_max", refused_),
      value_range_("value_min_max", refused_),
      av_range_("av_min_max", refused_),
      probability_range_("attn_min_max", refused_) {
  probability_range_.observe(range_tensor({0, 1}).to(device), 0);
}

std::vector<NamedState> OpticalAttention::simulation_state() {
  std::vector<NamedState> states = {query_range_.state(), key_range_.state(),
                                    qk_range_.state(),    probability_range_.state(),
                                    value_range_.state(), av_range_.state()};
  if (options_.reference) states.push_back(forwards_.state());
  return states;
}

std::vector<const RangeTracker*> OpticalAttention::tracked_ranges() const {
  return {&query_range_, &key_range_, &qk_range_, &value_range_, &av_range_};
}

bool OpticalAttention::is_capturable(std::int64_t step) const {
  if (options_.bypass) return original_->is_capturable(step);
  const auto ranges = tracked_ranges();
  return options_.is_settled(step) &&
         std::all_of(ranges.begin(), ranges.end(),
                     [](const RangeTracker* range) { return range->is_set(); });
}

at::Tensor OpticalAttention::forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const ForwardContext& context) {
  if (options_.bypass || q.numel() == 0 || k.numel() == 0) {
    return original_->forward(q, k, v, context);
  }
  require_same_device(q, device_, name());
  require_shapes(name(), q, k, v);
  if (context.phase == Phase::calibrate) return observe_plain_attention(q, k, v, context);
  return with_attention_gradient(q, k, v, compute(q, k, v, context));
}

AttentionCall OpticalAttention::describe(const at::Tensor& q, const at::Tensor& k,
                                         const at::Tensor& v, const ForwardContext& context) {
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
  call.counts_clamped = context.measure;
  call.output_type = options_.reference || context.measure ? at::kFloat : context.compute_dtype;
  call.causal = shape().causal;
  const std::int64_t scores = call.heads * call.queries * call.keys;
  const auto stream = [&](std::uint64_t role, std::int64_t per_sequence) {
    return noise_stream(run_seed_, name(), options_.seed, role, context, per_sequence);
  };
  if (options_.reference) {
    call.frozen = true;
    call.softmax_type = q.scalar_type();
    if (context.phase != Phase::calibrate) {
      const std::uint64_t seed = options_.seed + 2 * forwards_.next(context.recompute);
      call.qk_noise = frozen_stream(seed);
      call.av_noise = frozen_stream(seed + 1);
    }
  } else {
    call.qk_noise = stream(kernels::noise_role::optical_qk, scores);
    call.av_noise =
        stream(kernels::noise_role::optical_av, call.heads * call.queries * call.head_dim);
  }
  if (context.phase == Phase::train) call.dropout = static_cast<float>(shape().dropout);
  call.dropout_noise = stream(kernels::noise_role::optical_dropout, scores);
  return call;
}

AttentionResult OpticalAttention::compute(const at::Tensor& q, const at::Tensor& k,
                                          const at::Tensor& v, const ForwardContext& context) {
  const at::NoGradGuard no_gradient;
  RangePass pass(options_, context);
  for (const RangeTracker* range : tracked_ranges()) pass.require(*range, name());
  AttentionResult result;
  result.call = describe(q, k, v, context);
  const AttentionOperands exact{dense_values(q), dense_values(k), dense_values(v), {}, {}};
  result.lut_min = options_.floor_at(context.step);
  result.probability_range = probability_range_.tensor();
  const AttentionOperands operands = operands_of(result, exact, pass);

  if (runs_in_sweeps(result, exact, operands, pass)) {
    const RangeUpdate scores = pass.update_in_kernel(qk_range_);
    const RangeUpdate context_range = pass.update_in_kernel(av_range_);
    result.call.qk_range = scores.used;
    result.call.av_range = context_range.used;
    result.y = fused_output(result.call, exact, operands, scores, context_range, result.rows);
    pass.finish();
    return result;
  }

  ScoreStatistics scores;
  const at::Tensor accumulator = context_of(result, exact, operands, pass, scores);
  result.y = read_out(result.call, exact, operands, accumulator, pass);
  pass.finish();
  if (options_.clip_gradient) result.inside = inside(accumulator, result.call.av_range);
  if (context.measure) {
    measure(exact.q, exact.k, exact.v, result, scores,
            share_outside(accumulator, result.call.av_range));
  }
  result.y = result.y.to(context.compute_dtype);
  return result;
}

/// q, k and v as the products see them; their ranges go into `result`.
AttentionOperands OpticalAttention::operands_of(AttentionResult& result,
                                                const AttentionOperands& exact, RangePass& pass) {
  if (pass.encodes_in_kernel(query_range_) && pass.encodes_in_kernel(key_range_) &&
      pass.encodes_in_kernel(value_range_)) {
    const RangeUpdate q = pass.update_in_kernel(query_range_);
    const RangeUpdate k = pass.update_in_kernel(key_range_);
    const RangeUpdate v = pass.update_in_kernel(value_range_);
    result.query_range = q.used;
    result.key_range = k.used;
    result.value_range = v.used;
    const auto codes = encoded({{exact.q, q, 0, k.used},
                                {exact.k, k, result.lut_min, q.used},
                                {exact.v, v, result.lut_min, result.probability_range}},
                               options_.levels, operand_type(exact.q, options_.levels));
    return {codes[0], codes[1], codes[2], result.probability_range, result.value_range};
  }
  result.query_range = pass.operand(query_range_, exact.q);
  result.key_range = pass.operand(key_range_, exact.k);
  result.value_range = pass.operand(value_range_, exact.v);
  return quantised_operands(result, exact.q, exact.k, exact.v);
}

/// Whether fused sweeps can read out scores and context in ranges that they update themselves.
bool OpticalAttention::runs_in_sweeps(const AttentionResult& result, const AttentionOperands& exact,
                                      const AttentionOperands& operands,
                                      const RangePass& pass) const {
  const AttentionCall& call = result.call;
  return !options_.full_score_statistics && updates_in_kernel(qk_range_, pass, call) &&
         updates_in_kernel(av_range_, pass, call) && fuses(call, exact, operands) &&
         reads_out_while_fused(call);
}

/// Whether one kernel can read out in the range and then observe it.
bool OpticalAttention::updates_in_kernel(const RangeTracker& range, const RangePass& pass,
                                         const AttentionCall& call) const {
  return pass.observes() && !pass.must_initialise(range) && range.updates_in_kernel() &&
         !options_.quantiles && !options_.reference && !options_.clip_gradient &&
         !call.counts_clamped;
}

/// Q(P)·v. Like every read-out's, the range of the scores is used first and updated after; the
/// first time it is made from the scores at hand (semantics: reference: the exact ones).
at::Tensor OpticalAttention::context_of(AttentionResult& result, const AttentionOperands& exact,
                                        const AttentionOperands& operands, RangePass& pass,
                                        ScoreStatistics& scores) {
  AttentionCall& call = result.call;
  const bool first_time = pass.must_initialise(qk_range_);
  const ScoreScope scope =
      options_.full_score_statistics && pass.observes() ? ScoreScope::full : ScoreScope::causal;
  if (first_time) {
    pass.observe(qk_range_, score_range(call, options_.reference ? exact : operands, scope,
                                        options_.quantiles));
  }
  call.qk_range = pass.use(qk_range_);
  const at::Tensor accumulator =
      fuses(call, exact, operands)
          ? fused_context(call, exact, operands, scope, scores, result.rows)
          : context_accumulator(call, operands, scope, scores);
  if (!pass.observes() || (first_time && !options_.reference)) return accumulator;
  const at::Tensor raw =
      options_.quantiles ? score_range(call, operands, scope, options_.quantiles) : scores.range;
  pass.observe_later(qk_range_, options_.reference ? frozen_score_range(call, raw) : raw);
  return accumulator;
}

/// Y before it is rounded to the compute dtype.
at::Tensor OpticalAttention::read_out(AttentionCall& call, const AttentionOperands& exact,
                                      const AttentionOperands& operands,
                                      const at::Tensor& accumulator, RangePass& pass) {
  const bool first_time = pass.must_initialise(av_range_);
  if (first_time && options_.reference) {
    ScoreStatistics ignored;
    const at::Tensor product =
        context_accumulator(call, {operands.q, operands.k, exact.v, {}, {}}, ScoreScope::causal,
                            ignored, /*quantises_probabilities=*/false);
    pass.observe(av_range_, context_range(product, options_.quantiles));
  } else if (first_time) {
    pass.observe(av_range_, context_range(accumulator, options_.quantiles));
  }
  if (updates_in_kernel(av_range_, pass, call)) {
    const RangeUpdate update = pass.update_in_kernel(av_range_);
    call.av_range = update.used;
    return context_read_out(call, accumulator, update);
  }
  call.av_range = pass.use(av_range_);
  at::Tensor extent;
  const at::Tensor y = context_read_out(call, accumulator, extent);
  if (!pass.observes() || (first_time && !options_.reference)) return y;
  const at::Tensor& source = options_.reference ? y : accumulator;
  const bool is_known = !options_.reference && !options_.quantiles;
  pass.observe_later(av_range_, is_known ? extent : context_range(source, options_.quantiles));
  return y;
}

/// Without dropout only: the exact output would drop other probabilities.
void OpticalAttention::measure(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const AttentionResult& result, const ScoreStatistics& scores,
                               const at::Tensor& clamp_rate) {
  MeasuredSites measured;
  measured.add_range("query", result.query_range);
  measured.add_range("key", result.key_range);
  measured.add_range("value", result.value_range);
  measured.add_range("qk", result.call.qk_range);
  measured.add_range("av", result.call.av_range);
  const double visible = static_cast<double>(std::max<std::int64_t>(1, scores.visible));
  measured.add("qk_clamp_rate", (scores.clamped.to(at::kDouble) / visible).to(at::kFloat));
  measured.add("clamp_rate", clamp_rate);
  if (result.call.dropout == 0) {
    const std::int64_t sequences =
        measured_rows(result.y.size(0), result.y.numel() / result.y.size(0));
    const auto exact_type = [sequences](const at::Tensor& t) {
      return t.narrow(0, 0, sequences).to(at::kFloat);
    };
    const at::Tensor exact =
        original_->forward(exact_type(q), exact_type(k), exact_type(v), ForwardContext{});
    measured.add("sqnr_db", signal_to_noise(exact, result.y.narrow(0, 0, sequences)));
  }
  measured.add_refused(refused_);
  statistics_ = measured.take();
}

at::Tensor OpticalAttention::observe_plain_attention(const at::Tensor& q, const at::Tensor& k,
                                                     const at::Tensor& v,
                                                     const ForwardContext& context) {
  const at::Tensor attended = original_->forward(q, k, v, context);
  const at::NoGradGuard no_gradient;
  const RangePass pass(options_, context);
  const AttentionOperands exact{dense_values(q), dense_values(k), dense_values(v), {}, {}};
  pass.observe(query_range_, observed_range(exact.q, options_.quantiles));
  pass.observe(key_range_, observed_range(exact.k, options_.quantiles));
  pass.observe(value_range_, observed_range(exact.v, options_.quantiles));
  const ScoreScope scope = options_.full_score_statistics ? ScoreScope::full : ScoreScope::causal;
  pass.observe(qk_range_,
               score_range(describe(q, k, v, context), exact, scope, options_.quantiles));
  pass.observe(av_range_, context_range(dense_values(attended), options_.quantiles));
  return attended;
}

}  // namespace engine::optical_transformer
