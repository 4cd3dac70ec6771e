// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/cuda_rows.h"

namespace engine {

bool runs_on_cuda_rows([[maybe_unused]] const at::Tensor& tensor) {
#ifdef PARADIGM_WITH_CUDA
  const c10::ScalarType type = tensor.scalar_type();
  return tensor.is_cuda() && tensor.is_contiguous() &&
         (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf);
#else
  return false;
#endif
}

}  // namespace engine
