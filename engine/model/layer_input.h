// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace engine {

/// Where the kernel on CUDA that writes a tensor folds in its least and greatest value: int32 of a
/// kernels::cuda::ObservedRange. Whoever asks for it prepares and reads it; a kernel that cannot
/// fold leaves it alone and says so.
struct Extent {
  at::Tensor memory;

  bool is_wanted() const { return memory.defined(); }
  int* pointer() const { return is_wanted() ? memory.data_ptr<int>() : nullptr; }
};

/// What layers read.
struct LayerInput {
  at::Tensor x;
  Extent extent;  ///< of x, as a layer's extent_of_input() wanted it; or nobody looked
  /// Nobody but the layers that are given it reads x, from now until their gradient is complete:
  /// they may change it.
  bool is_own = false;

  // NOLINTNEXTLINE(google-explicit-constructor): most inputs are no more than their values.
  LayerInput(at::Tensor values) : x(std::move(values)) {}
  LayerInput(at::Tensor values, Extent known) : x(std::move(values)), extent(std::move(known)) {}
};

}  // namespace engine
