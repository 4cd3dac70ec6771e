// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/attention_core.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <optional>

namespace engine {

namespace {

/// [B, H_kv, S, D] -> [B, H_kv·group, S, D], each head `group` times in a row.
at::Tensor repeat_heads(const at::Tensor& x, std::int64_t group) {
  return x.unsqueeze(2)
      .expand({x.size(0), x.size(1), group, x.size(2), x.size(3)})
      .reshape({x.size(0), x.size(1) * group, x.size(2), x.size(3)});
}

}  // namespace

bool is_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return q.dim() == 4 && k.dim() == 4 && v.sizes() == k.sizes() && q.size(0) == k.size(0) &&
         q.size(3) == k.size(3) && k.size(1) > 0 && q.size(1) % k.size(1) == 0;
}

AttentionCore::~AttentionCore() = default;

at::Tensor PlainAttention::forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const ForwardContext& context) {
  // On CUDA the fused kernels answer an empty batch with no tensor at all.
  if (q.numel() == 0) {
    return q.transpose(1, 2).reshape({q.size(0), q.size(2), shape().heads * shape().head_dim});
  }
  const double dropout = context.phase == Phase::train ? shape().dropout : 0.0;
  const std::int64_t queries = q.size(2);
  const std::int64_t keys = k.size(2);
  std::optional<at::Tensor> mask;
  if (shape().causal && queries != keys) {
    mask = at::ones({queries, keys}, q.options().dtype(at::kBool)).tril(keys - queries);
  }
  const std::int64_t group = shape().heads / shape().kv_heads;
  // On CUDA no fused fp32 kernel shares key/value heads itself; the fallback would hold all scores.
  const bool repeats = group > 1 && q.is_cuda() && q.scalar_type() == at::kFloat;
  const at::Tensor attended = at::scaled_dot_product_attention(
      q, repeats ? repeat_heads(k, group) : k, repeats ? repeat_heads(v, group) : v, mask, dropout,
      /*is_causal=*/shape().causal && !mask.has_value(), /*scale=*/std::nullopt,
      /*enable_gqa=*/group > 1 && !repeats);
  return attended.transpose(1, 2).reshape({q.size(0), q.size(2), shape().heads * shape().head_dim});
}

}  // namespace engine
