// SPDX-License-Identifier: GPL-3.0-or-later
// Several plain Linears over the same input as one product, with what comes after it: on CUDA in 16
// bits, where reading the input and launching kernels cost as much as the products. The weights'
// gradients leave the product in fp32.
#pragma once

#include "engine/model/attention_core.h"
#include "engine/model/linear_layer.h"
#include "engine/model/rotary.h"

#include <ATen/core/Tensor.h>

#include <initializer_list>

namespace engine {

/// Whether `layers` may be one product of x: plain ones, and kernels for x.
bool fuses(std::initializer_list<const LinearLayer*> layers, const at::Tensor& x);

/// x·Wᵀ + b of one layer that fuses().
at::Tensor fused_linear(const at::Tensor& x, const LinearLayer& layer);

struct QkvHeads {
  at::Tensor q, k, v;  ///< [B, S, heads, head_dim], q and k rotated
};

/// Queries, keys and values of x [B, S, hidden].
QkvHeads fused_qkv(const at::Tensor& x, const LinearLayer& q_proj, const LinearLayer& k_proj,
                   const LinearLayer& v_proj, const AttentionShape& shape,
                   const RotaryTables& tables);

/// silu(gate(x)) · up(x).
at::Tensor fused_swiglu(const at::Tensor& x, const LinearLayer& gate_proj,
                        const LinearLayer& up_proj);

}  // namespace engine
