// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace engine {

/// Whether our kernels are built and run on a device: a GPU of compute capability 8.0 or newer.
bool has_cuda_kernels(at::Device device);

/// has_cuda_kernels(), and they can read `tensor` as it lies: fp32, bf16 or fp16 without gaps.
bool runs_on_cuda_rows(const at::Tensor& tensor);

/// While one lives, no GPU has kernels, as an older one: ATen's operators run the plain model. For
/// tests; not while another thread computes.
class WithoutCudaKernels {
 public:
  WithoutCudaKernels();
  ~WithoutCudaKernels();
  WithoutCudaKernels(const WithoutCudaKernels&) = delete;
  WithoutCudaKernels& operator=(const WithoutCudaKernels&) = delete;
};

}  // namespace engine
