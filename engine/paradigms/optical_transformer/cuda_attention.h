// SPDX-License-Identifier: GPL-3.0-or-later
// attention_tiles.h on CUDA. A tile is a few queries of all heads of some sequences, whose scores
// take a fixed amount of memory; with many keys, one that grows with their number alone. Products
// accumulate in fp32; their operands are what they are given: fp32, fp16 or bf16.
#pragma once

#include "engine/paradigms/optical_transformer/attention_tiles.h"

namespace engine::optical_transformer::on_cuda {

at::Tensor score_range(const AttentionCall& call, const AttentionOperands& operands,
                       ScoreScope scope, const std::optional<RealPair>& quantiles);

at::Tensor context_accumulator(const AttentionCall& call, const AttentionOperands& operands,
                               ScoreScope scope, ScoreStatistics& observed,
                               bool quantises_probabilities);

/// Fills in `visible` and `clamped` of `observed`, from the first 2^24 scores or one sequence. They
/// are computed for it alone.
void count_clamped(const AttentionCall& call, const AttentionOperands& operands,
                   ScoreStatistics& observed);

/// Rounded once to call.output_type.
at::Tensor context_read_out(const AttentionCall& call, const at::Tensor& accumulator,
                            at::Tensor& observed);
at::Tensor context_read_out(const AttentionCall& call, const at::Tensor& accumulator,
                            const RangeUpdate& range);

/// Operands of the gradients' products have the type of `exact`.
AttentionGradient attention_gradient(const AttentionCall& call, const AttentionOperands& quantised,
                                     const AttentionOperands& exact, const at::Tensor& gradient);

}  // namespace engine::optical_transformer::on_cuda
