// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace engine {

/// silu(gate) · up, elementwise. Saves its two operands only; the backward pass computes silu
/// again.
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

}  // namespace engine
