// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/attention_core.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <optional>

namespace engine {

AttentionCore::~AttentionCore() = default;

at::Tensor PlainAttention::forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const ForwardContext& context) {
  const double dropout = context.phase == Phase::train ? shape().dropout : 0.0;
  const std::int64_t queries = q.size(2);
  const std::int64_t keys = k.size(2);
  std::optional<at::Tensor> mask;
  if (queries != keys) {
    mask = at::ones({queries, keys}, q.options().dtype(at::kBool)).tril(keys - queries);
  }
  const at::Tensor attended = at::scaled_dot_product_attention(
      q, k, v, mask, dropout, /*is_causal=*/!mask.has_value(), /*scale=*/std::nullopt,
      /*enable_gqa=*/shape().heads != shape().kv_heads);
  return attended.transpose(1, 2).reshape({q.size(0), q.size(2), shape().heads * shape().head_dim});
}

}  // namespace engine
