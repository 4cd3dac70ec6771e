// SPDX-License-Identifier: GPL-3.0-or-later
// Next-token loss without the logits ever standing in memory whole: per chunk of tokens logits ->
// softmax -> gradient of the logits in place -> gradients of hidden state and head, all in the
// forward pass.
#pragma once

#include "engine/model/llama.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace engine {

struct TokenLoss {
  at::Tensor
      loss;  ///< 0-d fp32 on the device: scale · sum of the tokens' cross-entropies; differentiable
  at::Tensor correct;       ///< 0-d int64: tokens whose label is the argmax; only when asked for
  std::int64_t tokens = 0;  ///< predicted tokens: B · (S - 1)
};

/// hidden [T, d] in the compute dtype, weight [V, d] fp32 master, labels [T] int64 in [0, V). fp32
/// softmax. Gradients are made in the forward pass when grad mode is on, hence `scale` is given
/// here and not multiplied in later. chunk_tokens 0 = chosen from V and the device. `ask`, if
/// given, is called before every chunk, which then are small enough to be asked a few times a
/// second on the CPU; what it throws ends the pass.
TokenLoss chunked_cross_entropy(const at::Tensor& hidden, const at::Tensor& weight,
                                const at::Tensor& labels, double scale, bool count_correct,
                                std::int64_t chunk_tokens = 0,
                                const std::function<void()>& ask = {});

/// The same for logits that a layer has already made, [B, S, V]; position s of a row predicts
/// labels [B, S - 1] at s, the last position predicts nothing.
TokenLoss cross_entropy_of_logits(const at::Tensor& logits, const at::Tensor& labels, double scale,
                                  bool count_correct);

/// Forward pass and loss of ids [B, S]: position s predicts ids[s + 1]. Uses the head's weight in a
/// chunked product when the head computes plainly, else the head's own forward over all positions.
TokenLoss next_token_loss(Llama& model, const at::Tensor& ids, const ForwardContext& context,
                          double scale, bool count_correct = false,
                          const std::function<void()>& ask = {});

}  // namespace engine
