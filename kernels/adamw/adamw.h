// SPDX-License-Identifier: GPL-3.0-or-later
// AdamW (Loshchilov and Hutter, 2019) over many fp32 tensors in few launches, with the gradients
// clipped and the weights' bf16 copies written on the way:
//   g = gradient / divisor
//   m = β1 m + (1 - β1) g,   v = β2 v + (1 - β2) g²
//   w = w - lr λ w - lr / (1 - β1^t) · m / (√v / √(1 - β2^t) + ε)
#pragma once

#include "kernels/device.h"

#include <cstdint>
#include <span>

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

/// Device memory of `count` elements each.
struct AdamWTensor {
  float* weight = nullptr;
  const float* gradient = nullptr;
  float* exp_avg = nullptr;
  float* exp_avg_sq = nullptr;
  std::uint16_t* copy = nullptr;  ///< the new weight in bf16; null = not wanted
  std::int64_t count = 0;
};

struct AdamWUpdate {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;           ///< λ
  const float* step = nullptr;       ///< t, this update included; device memory, as those below
  const float* divisor = nullptr;    ///< of the gradients
  const float* found_inf = nullptr;  ///< not 0: nothing changes
};

/// Asynchronous on `stream`. The gradients are only read.
void adamw(std::span<const AdamWTensor> tensors, const AdamWUpdate& update, Stream stream);

}  // namespace kernels::cuda
#endif
