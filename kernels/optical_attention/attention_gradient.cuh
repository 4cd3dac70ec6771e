// SPDX-License-Identifier: GPL-3.0-or-later
// The gradient of optical attention is two sweeps over the codes: by queries for dq, by keys for dk
// and dv. Each makes P and dP of a tile anew, which costs less than sums in memory that many blocks
// add to, and leaves them an order that never changes.
#pragma once

#include "kernels/optical_attention/attention_codes.cuh"
#include "kernels/optical_attention/tile_products.cuh"

namespace kernels::optical_attention {

/// What a sweep reads. The quantised operands are read with `clip` alone.
struct GradientOperands {
  HeadRows quantised_q, quantised_k, q, k, v, g;
  const float2* rows = nullptr;  ///< of each query: exponent of P, sum of dP P
};

/// Where dS is 0 because the raw score was outside its range; only with clipped gradients.
struct ScoreClip {
  float lo, hi;

  __device__ explicit ScoreClip(const OpticalAttention& how)
      : lo(how.qk_range[0]), hi(how.qk_range[1]) {}

  __device__ bool cuts(float product) const { return product < lo || product > hi; }
};

/// Keys or queries of a tile that a sweep takes at once: their scores are in registers, of which
/// the clipped gradient needs more for each.
template <bool clip>
constexpr int kColumnsAtOnce = clip ? 32 : 64;

/// Calls launch(Code{}, head_dim, clip), the last two as constants, with those of `how`.
template <typename Launch>
void with_gradient_case(const OpticalAttention& how, const Launch& launch) {
  with_code_type(how.levels, [&](auto code) {
    with_head_dim(how.extent.head_dim, [&](auto head_dim) {
      if (how.clip) {
        launch(code, head_dim, std::true_type{});
      } else {
        launch(code, head_dim, std::false_type{});
      }
    });
  });
}

void sweep_queries(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
                   const GradientOperands& operands, const ResultRows& dq, Stream stream);

/// Sums of a chunk of queries that the next one goes on with: fp32 [batch, heads of keys, keys,
/// head_dim].
struct CarriedSums {
  float *dk = nullptr, *dv = nullptr;
  bool takes = false, leaves = false;
};

/// `heads` that share a key are summed by one block; dk and dv have heads / `heads` heads.
void sweep_keys(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
                const GradientOperands& operands, std::int64_t heads, const CarriedSums& carried,
                const ResultRows& dk, const ResultRows& dv, Stream stream);

}  // namespace kernels::optical_attention
