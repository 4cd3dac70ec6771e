// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/device.h"

#include <ATen/core/Tensor.h>

namespace engine {

/// The stream on which LibTorch's operators on `tensor` are queued now, so that a kernel of ours
/// falls in line; nothing for a tensor in main memory.
kernels::Stream current_stream(const at::Tensor& tensor);

}  // namespace engine
