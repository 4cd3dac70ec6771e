// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/paradigms/optical_transformer/attention_tiles.h"

namespace engine::optical_transformer {

/// A computed output of an optical attention and what its gradient needs: the call as it was made
/// (with the ranges it used) and how the operands were quantised, so that the probabilities can be
/// made again.
struct AttentionResult {
  at::Tensor y;  ///< [B, S_q, H·D]
  AttentionCall call;
  float lut_min = 0;
  at::Tensor query_range, key_range, value_range;  ///< fp32 {lo, hi}
  at::Tensor probability_range;                    ///< (0, 1)
  SoftmaxRows rows;                                ///< of a fused call
  at::Tensor
      inside;  ///< bool [B, H, S_q, D]: the accumulator lay within av_range; only with call.clip
};

/// The operands as the two matmuls see them.
AttentionOperands quantised_operands(const AttentionResult& how, const at::Tensor& q,
                                     const at::Tensor& k, const at::Tensor& v);

/// result.y with the straight-through gradient (README, eq. 5). Keeps q, k and v, and of a
/// fused call what AttentionResult::rows has.
at::Tensor with_attention_gradient(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const AttentionResult& result);

}  // namespace engine::optical_transformer
