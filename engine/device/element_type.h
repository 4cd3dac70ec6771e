// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/device.h"

#include <ATen/core/Tensor.h>

namespace engine {

/// Of fp32, bf16 and fp16; anything else is a mistake of the caller and throws.
kernels::ElementType element_type_of(c10::ScalarType type);
kernels::ElementType element_type_of(const at::Tensor& tensor);

}  // namespace engine
