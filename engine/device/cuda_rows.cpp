// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/cuda_rows.h"

#ifdef PARADIGM_WITH_CUDA
#include "engine/devices.h"

#include <ATen/cuda/CUDAContextLight.h>
#endif

namespace engine {
namespace {
bool are_hidden = false;
}

WithoutCudaKernels::WithoutCudaKernels() { are_hidden = true; }
WithoutCudaKernels::~WithoutCudaKernels() { are_hidden = false; }

bool has_cuda_kernels([[maybe_unused]] at::Device device) {
#ifdef PARADIGM_WITH_CUDA
  return device.is_cuda() && !are_hidden &&
         at::cuda::getDeviceProperties(device.index())->major >= kLeastMajorOfKernels;
#else
  return false;
#endif
}

bool runs_on_cuda_rows(const at::Tensor& tensor) {
  const c10::ScalarType type = tensor.scalar_type();
  return (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf) && tensor.is_cuda() &&
         tensor.is_contiguous() && has_cuda_kernels(tensor.device());
}

}  // namespace engine
