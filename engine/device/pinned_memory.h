// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace engine {

/// Host memory for a copy of `like`, which a GPU reads and writes while the host goes on; ordinary
/// memory where `like` is on the CPU or none can be pinned. Unlike LibTorch's, it is given back
/// without a word to the GPU, so that a lost one ends a run with an error and not the process.
at::Tensor pinned_like(const at::Tensor& like);

/// The same for ids on the CPU that are to go to `device`.
at::Tensor pinned_for(at::IntArrayRef sizes, c10::ScalarType type, at::Device device);

}  // namespace engine
