// SPDX-License-Identifier: GPL-3.0-or-later
// The passes of attention_tiles.h in one kernel each, with the scores in registers: bf16 on CUDA.
// Everything here is without gradient.
#pragma once

#include "engine/paradigms/optical_transformer/attention_tiles.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

namespace engine::optical_transformer {

/// Whether this call can be fused: in a build with kernels for CUDA, on 16-bit floats of the usual
/// shapes, without dropout and with noise of its own for every score. `exact` and `quantised` as
/// for fused_context().
bool fuses(const AttentionCall& call, const AttentionOperands& exact,
           const AttentionOperands& quantised);

/// context_accumulator(), and in `rows` what fused_gradient() needs.
at::Tensor fused_context(const AttentionCall& call, const AttentionOperands& exact,
                         const AttentionOperands& quantised, ScoreScope scope,
                         ScoreStatistics& observed, SoftmaxRows& rows);

/// Whether there is fused_output() of a call that is fused: in bf16, of moderate sequences.
bool reads_out_while_fused(const AttentionCall& call);

/// context_read_out() of the fused_context(), both read-outs in running ranges, which are updated.
at::Tensor fused_output(const AttentionCall& call, const AttentionOperands& exact,
                        const AttentionOperands& quantised, const RangeUpdate& scores,
                        const RangeUpdate& context, SoftmaxRows& rows);

/// Whether fused_gradient() needs q and k of `quantised`; nobody needs v.
bool needs_quantised(const AttentionCall& call);

/// attention_gradient() of a call that was fused, in bf16. The weights of its sums are rounded to
/// bf16.
AttentionGradient fused_gradient(const AttentionCall& call, const AttentionOperands& quantised,
                                 const AttentionOperands& exact, const SoftmaxRows& rows,
                                 const at::Tensor& gradient);

}  // namespace engine::optical_transformer
