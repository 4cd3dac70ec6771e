// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/forward_context.h"
#include "engine/model/linear_layer.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace engine {

/// Shape facts of one attention module.
struct AttentionShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  double dropout = 0;  ///< on the probabilities, training only
  bool causal = true;  ///< false: every query sees every key
};

/// Whether these are [B, H, S_q, D] and twice [B, H_kv, S_k, D], H a multiple of H_kv.
bool is_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

/// The two matmuls of attention, softmax between them. Rotary embedding comes first, the output
/// projection after.
class AttentionCore {
 public:
  AttentionCore(std::string name, AttentionShape shape) : name_(std::move(name)), shape_(shape) {}
  virtual ~AttentionCore();
  AttentionCore(const AttentionCore&) = delete;
  AttentionCore& operator=(const AttentionCore&) = delete;

  /// q [B, H, S_q, D]; k, v [B, H_kv, S_k, D], query head h uses kv head floor(h·H_kv/H); causal:
  /// query i sees key j <= i + S_k - S_q (every key unless shape().causal). Returns [B, S_q, H·D],
  /// heads in order, in the dtype of q.
  virtual at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             const ForwardContext& context) = 0;
  virtual std::vector<NamedState> simulation_state() { return {}; }
  virtual std::vector<NamedStatistic> statistics() { return {}; }  ///< as LinearLayer's
  virtual bool is_transformed() const { return true; }
  virtual bool is_capturable(std::int64_t /*step*/) const { return false; }  ///< as LinearLayer's

  const std::string& name() const { return name_; }  ///< model.layers.{i}.self_attn
  const AttentionShape& shape() const { return shape_; }

 private:
  std::string name_;
  AttentionShape shape_;
};

/// scaled_dot_product_attention, causal.
class PlainAttention final : public AttentionCore {
 public:
  using AttentionCore::AttentionCore;
  at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const ForwardContext& context) override;
  bool is_transformed() const override { return false; }
  bool is_capturable(std::int64_t /*step*/) const override { return shape().dropout == 0; }
};

}  // namespace engine
