// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/linear_layer.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <cstdint>

namespace engine::optical_transformer {

/// How many forward passes a layer has made, as checkpoints keep it: fp32 {count mod 2^20,
/// count div 2^20} in main memory, exact up to 2^44. Upstream's seeds advance with it.
class ForwardCount {
 public:
  ForwardCount() : tensor_(at::zeros({2}, at::TensorOptions().dtype(at::kFloat))) {}

  /// The number of passes before this one. A recomputed pass repeats its first run's number.
  std::uint64_t next(bool recomputes) {
    if (recomputes) return last_;
    float* parts = tensor_.data_ptr<float>();
    last_ = static_cast<std::uint64_t>(parts[1]) * kBase + static_cast<std::uint64_t>(parts[0]);
    parts[0] = static_cast<float>((last_ + 1) % kBase);
    parts[1] = static_cast<float>((last_ + 1) / kBase);
    return last_;
  }

  NamedState state() const { return {"forward_count", tensor_}; }

 private:
  static constexpr std::uint64_t kBase = 1 << 20;
  at::Tensor tensor_;
  std::uint64_t last_ = 0;
};

}  // namespace engine::optical_transformer
