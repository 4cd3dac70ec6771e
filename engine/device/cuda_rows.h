// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace engine {

/// Whether kernels for CUDA are built and can read `tensor` as it lies: fp32, bf16 or fp16 without
/// gaps.
bool runs_on_cuda_rows(const at::Tensor& tensor);

}  // namespace engine
