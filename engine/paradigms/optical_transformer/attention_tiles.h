// SPDX-License-Identifier: GPL-3.0-or-later
// The passes of an optical attention over tiles of queries: only one tile of scores per thread of
// the CPU, or one on CUDA, exists at a time, so memory grows linearly with the sequence. Everything
// here is without gradient; scores and context are fp32.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"
#include "kernels/attention_scores/attention_scores.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace engine::optical_transformer {

/// One attention call. Query i sees keys 0 … i + keys - queries, or all unless causal; query head h
/// uses key/value head ⌊h·kv_heads/heads⌋.
struct AttentionCall {
  std::int64_t batch = 0, heads = 0, kv_heads = 0, queries = 0, keys = 0, head_dim = 0;
  float scale = 1;
  std::int32_t levels = 256;
  bool noisy = true;
  bool clip = false;
  bool causal = true;
  bool frozen = false;  ///< one noise for a whole read-out, see kernels::ReadOut
  /// Of inputs with fewer bits under semantics: reference: scores, softmax and probabilities are
  /// rounded to it.
  c10::ScalarType softmax_type = c10::ScalarType::Float;
  bool counts_clamped = false;                           ///< ScoreStatistics::clamped is wanted
  c10::ScalarType output_type = c10::ScalarType::Float;  ///< of the context's read-out, on CUDA
  at::Tensor qk_range;                                   ///< of the unscaled scores: fp32 {lo, hi}
  at::Tensor av_range;                                   ///< of the context
  kernels::NoiseStream qk_noise;                         ///< from the batch's first score on
  kernels::NoiseStream av_noise;  ///< from the batch's first context element on
  float dropout = 0;              ///< 0 = none
  kernels::NoiseStream dropout_noise;
};

/// What the scores' range is observed from: the entries that the mask keeps, or all.
enum class ScoreScope { causal, full };

/// Operands after quantisation: q [B, H, S_q, D], k and v [B, H_kv, S_k, D], any strides.
struct AttentionOperands {
  at::Tensor q, k, v;
  at::Tensor probability_range;  ///< (0, 1), read when v is fp16
  at::Tensor value_range;        ///< of v, read when v is fp16
};

/// What a pass over the scores saw before their read-out.
struct ScoreStatistics {
  at::Tensor range;          ///< of the entries in scope
  std::int64_t visible = 0;  ///< scores that the mask keeps; with counts_clamped
  at::Tensor clamped;        ///< how many of those lie outside qk_range, 0-d; with counts_clamped
};

/// What a fused pass over the scores leaves for its gradient; undefined where it was not fused.
struct SoftmaxRows {
  at::Tensor exponent;       ///< fp32 [B, H, S_q]: see kernels::OpticalAttentionRows
  at::Tensor exact_context;  ///< bf16 [B, H, S_q, D]: P·v, both unquantised
  at::Tensor codes;          ///< bytes: those that kernels::AttentionCodes keeps
};

/// The range of q·kᵀ: [min, max], or quantiles from a streamed histogram (error: one bin). Costs
/// one or two passes.
at::Tensor score_range(const AttentionCall& call, const AttentionOperands& operands,
                       ScoreScope scope, const std::optional<RealPair>& quantiles);

/// The context before its read-out, fp32 [B, H, S_q, D] contiguous: Q(P)·v with P from noisy
/// scores, or P·v. `observed` gets what was seen of the scores in `scope`.
at::Tensor context_accumulator(const AttentionCall& call, const AttentionOperands& operands,
                               ScoreScope scope, ScoreStatistics& observed,
                               bool quantises_probabilities = true);

/// The range of the accumulator; quantiles by histogram as for scores.
at::Tensor context_range(const at::Tensor& accumulator, const std::optional<RealPair>& quantiles);

/// Q(accumulator; av_range) as [B, S_q, H·D]. `observed` gets the accumulator's range.
at::Tensor context_read_out(const AttentionCall& call, const at::Tensor& accumulator,
                            at::Tensor& observed);
/// The same on CUDA in a running range, which is updated afterwards.
at::Tensor context_read_out(const AttentionCall& call, const at::Tensor& accumulator,
                            const RangeUpdate& range);

/// The range of Q(scores; qk_range) when that of the scores is `raw`: with one noise for all, Q
/// keeps their order.
at::Tensor frozen_score_range(const AttentionCall& call, const at::Tensor& raw);

struct AttentionGradient {
  at::Tensor dq, dk, dv;  ///< [B, H, S_q, D], [B, H_kv, S_k, D], any strides
};

/// Straight-through: P as in the forward (recomputed from the quantised operands and the same
/// noise), all products with the unquantised `exact` operands. `gradient` [B, H, S_q, D], already
/// masked where the read-out clipped.
AttentionGradient attention_gradient(const AttentionCall& call, const AttentionOperands& quantised,
                                     const AttentionOperands& exact, const at::Tensor& gradient);

}  // namespace engine::optical_transformer
