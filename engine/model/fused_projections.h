// SPDX-License-Identifier: GPL-3.0-or-later
// Several Linears over the same input as one product, with what comes after it: on CUDA in 16 bits,
// where reading the input and launching kernels cost as much as the products. The weights'
// gradients leave the product in fp32.
#pragma once

#include "engine/model/attention_core.h"
#include "engine/model/layer_input.h"
#include "engine/model/linear_layer.h"
#include "engine/model/norm.h"
#include "engine/model/rotary.h"

#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <memory>
#include <optional>

namespace engine {

/// How several layers over one input are computed together: as one plain product, or as a paradigm
/// did.
struct JointProduct {
  JointOutput simulated;  ///< not made = plain
  /// Of a product with the gradient of the plain one, where they are kept: 16-bit copies of the
  /// weights one below the other.
  at::Tensor weights;
};

/// Nothing when the layers have to compute one by one.
std::optional<JointProduct> joint_product(std::initializer_list<LinearLayer*> layers,
                                          const LayerInput& input, const ForwardContext& context);

/// x·Wᵀ + b of a single layer.
at::Tensor fused_linear(const JointProduct& product, const at::Tensor& x, const LinearLayer& layer);
/// A layer whose product waits for the norm behind it.
struct PendingLinear {
  JointProduct product;
  at::Tensor x;
  const LinearLayer* layer;
};
/// The end of a residual branch.
struct Branch {
  at::Tensor values;                             ///< the layer's output, or undefined
  std::shared_ptr<const PendingLinear> pending;  ///< what to make it of
};
/// layer.forward() at the end of a branch, with what is known of its input; in a pass that
/// recomputes nothing left to add_rms_norm() where that can read it out.
Branch branch_end(LinearLayer& layer, const LayerInput& input, const ForwardContext& context);
/// add_rms_norm() of x and the pending layer's output.
NormedSum add_rms_norm(const at::Tensor& x, const PendingLinear& pending, const at::Tensor& weight,
                       double epsilon, const Extent& wanted);

struct QkvHeads {
  at::Tensor q, k, v;  ///< [B, S, heads, head_dim], q and k rotated
};

/// Queries, keys and values of x [B, S, hidden].
QkvHeads fused_qkv(const JointProduct& product, const at::Tensor& x, const LinearLayer& q_proj,
                   const LinearLayer& k_proj, const LinearLayer& v_proj,
                   const AttentionShape& shape, const RotaryTables& tables);

/// silu(gate(x)) · up(x), with its extent if that is wanted and can be had on the way.
LayerInput fused_swiglu(const JointProduct& product, const at::Tensor& x,
                        const LinearLayer& gate_proj, const LinearLayer& up_proj,
                        const Extent& wanted = {});

}  // namespace engine
