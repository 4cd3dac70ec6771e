// SPDX-License-Identifier: GPL-3.0-or-later
// Between one product that makes queries, keys and values and the attention: their heads taken
// apart, queries and keys rotated on the way (see kernels/rotary). Only on CUDA, where a pass over
// memory costs as much as a product.
#pragma once

#include "kernels/device.h"

#include <cstdint>

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

struct QkvShape {
  std::int64_t batch = 0, sequence = 0;
  std::int64_t heads = 0, kv_heads = 0;
  std::int64_t half = 0;  ///< of head_dim
};

/// Heads of one operand: element (b, s, h, d) at b · batch + s · position + h · head + d.
struct HeadStrides {
  std::int64_t batch = 0, position = 0, head = 0;
};

/// qkv [batch · sequence, (heads + 2 kv_heads) · 2 half] to dense q [batch, sequence, heads, 2
/// half], k and v alike with kv_heads. cos, sin [sequence, half] in fp32. fp32, bf16 or fp16 in
/// device memory, arithmetic in fp32; asynchronous on `stream`.
void split_heads(const void* qkv, ElementType type, const QkvShape& shape, const float* cos,
                 const float* sin, void* q, void* k, void* v, Stream stream);

/// The gradient of split_heads: dq, dk, dv with any strides to dense d_qkv.
void join_heads(const void* dq, const HeadStrides& q, const void* dk, const HeadStrides& k,
                const void* dv, const HeadStrides& v, ElementType type, const QkvShape& shape,
                const float* cos, const float* sin, void* d_qkv, Stream stream);

}  // namespace kernels::cuda
#endif
