// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/element_type.h"

#include <c10/util/Exception.h>

namespace engine {

kernels::ElementType element_type_of(c10::ScalarType type) {
  if (type == c10::ScalarType::BFloat16) return kernels::ElementType::bf16;
  if (type == c10::ScalarType::Half) return kernels::ElementType::fp16;
  TORCH_INTERNAL_ASSERT(type == c10::ScalarType::Float, "no kernel takes ", type);
  return kernels::ElementType::fp32;
}

kernels::ElementType element_type_of(const at::Tensor& tensor) {
  return element_type_of(tensor.scalar_type());
}

}  // namespace engine
