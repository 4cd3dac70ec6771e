// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/pinned_memory.h"

#include <ATen/ops/empty.h>

#include <cstddef>

#ifdef PARADIGM_TORCH_CUDA
#include <ATen/ops/from_blob.h>
#include <c10/cuda/CUDAGuard.h>

#include <cuda_runtime_api.h>
#endif

namespace engine {

at::Tensor pinned_for(at::IntArrayRef sizes, c10::ScalarType type,
                      [[maybe_unused]] at::Device device) {
  const auto options = at::TensorOptions().dtype(type).device(at::kCPU);
#ifdef PARADIGM_TORCH_CUDA
  if (device.is_cuda()) {
    const c10::cuda::CUDAGuard guard(device);
    const auto bytes =
        static_cast<std::size_t>(c10::multiply_integers(sizes)) * c10::elementSize(type);
    void* memory = nullptr;
    if (bytes > 0 && cudaHostAlloc(&memory, bytes, cudaHostAllocDefault) == cudaSuccess) {
      const auto give_back = [](void* pointer) {
        if (cudaFreeHost(pointer) != cudaSuccess) static_cast<void>(cudaGetLastError());
      };
      return at::from_blob(memory, sizes, give_back, options);
    }
    static_cast<void>(cudaGetLastError());  // too little to pin
  }
#endif
  return at::empty(sizes, options);
}

at::Tensor pinned_like(const at::Tensor& like) {
  return pinned_for(like.sizes(), like.scalar_type(), like.device());
}

}  // namespace engine
