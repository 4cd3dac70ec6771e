// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

namespace engine {

/// Memory for tensors one below the other, in one dtype, and each one's rows in it.
struct Stacked {
  Stacked() = default;
  /// As many rows as `tensors` have together, and their device; without gradient, values unset.
  Stacked(std::span<const at::Tensor> tensors, c10::ScalarType dtype);

  at::Tensor all;
  std::vector<at::Tensor> parts;
};

/// The values of `tensors` in one dtype, without gradient.
at::Tensor stacked_copy(std::span<const at::Tensor> tensors, c10::ScalarType dtype);

}  // namespace engine
