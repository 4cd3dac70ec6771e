// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/adamw/adamw.h"
#include "kernels/device/rows.cuh"

#include <algorithm>

namespace kernels::cuda {
namespace {

constexpr int kTensorsOfLaunch = 48;  // their descriptions fit into the arguments of a kernel
constexpr std::int64_t kOfBlock = 8192;

struct TensorList {
  AdamWTensor tensors[kTensorsOfLaunch];
  unsigned first_block[kTensorsOfLaunch];
  int count;
};

/// The update with all that is the same for every element.
struct Factors {
  float beta1, one_less_beta1, beta2, one_less_beta2, epsilon, decay;
  float inverse_divisor, step_size, inverse_root;  // root: of 1 - β2^t
};

__device__ Factors factors_of(const AdamWUpdate& update) {
  const double t = *update.step;
  Factors f;
  f.beta1 = static_cast<float>(update.beta1);
  f.one_less_beta1 = static_cast<float>(1 - update.beta1);
  f.beta2 = static_cast<float>(update.beta2);
  f.one_less_beta2 = static_cast<float>(1 - update.beta2);
  f.epsilon = static_cast<float>(update.epsilon);
  f.decay = static_cast<float>(1 - update.learning_rate * update.weight_decay);
  f.inverse_divisor = 1.0f / *update.divisor;
  f.step_size = static_cast<float>(update.learning_rate / (1 - pow(update.beta1, t)));
  f.inverse_root = static_cast<float>(1 / sqrt(1 - pow(update.beta2, t)));
  return f;
}

template <int kCount>
__device__ void update_pack(const AdamWTensor& tensor, std::int64_t at, const Factors& f) {
  float w[kCount], g[kCount], m[kCount], v[kCount];
  device::load(tensor.weight + at, w);
  device::load(tensor.gradient + at, g);
  device::load(tensor.exp_avg + at, m);
  device::load(tensor.exp_avg_sq + at, v);
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    g[i] *= f.inverse_divisor;
    m[i] = fmaf(f.beta1, m[i], f.one_less_beta1 * g[i]);
    v[i] = fmaf(f.beta2, v[i], f.one_less_beta2 * (g[i] * g[i]));
    w[i] = fmaf(-f.step_size, m[i] / fmaf(sqrtf(v[i]), f.inverse_root, f.epsilon), f.decay * w[i]);
  }
  device::store(w, tensor.weight + at);
  device::store(m, tensor.exp_avg + at);
  device::store(v, tensor.exp_avg_sq + at);
  if (tensor.copy != nullptr) {
    device::store(w, reinterpret_cast<__nv_bfloat16*>(tensor.copy) + at);
  }
}

__device__ bool aligned_for_packs(const AdamWTensor& tensor) {
  const auto all = reinterpret_cast<std::uintptr_t>(tensor.weight) |
                   reinterpret_cast<std::uintptr_t>(tensor.gradient) |
                   reinterpret_cast<std::uintptr_t>(tensor.exp_avg) |
                   reinterpret_cast<std::uintptr_t>(tensor.exp_avg_sq) |
                   2 * reinterpret_cast<std::uintptr_t>(tensor.copy);
  return all % 16 == 0;
}

__global__ void __launch_bounds__(device::kThreads)
    adamw_kernel(const __grid_constant__ TensorList list,
                 const __grid_constant__ AdamWUpdate update) {
  if (*update.found_inf != 0.0f) return;
  __shared__ Factors shared;
  if (threadIdx.x == 0) shared = factors_of(update);
  __syncthreads();
  const Factors f = shared;
  int which = list.count - 1;
  while (blockIdx.x < list.first_block[which]) --which;
  const AdamWTensor& tensor = list.tensors[which];
  const std::int64_t begin = (blockIdx.x - list.first_block[which]) * kOfBlock;
  const std::int64_t end = min(begin + kOfBlock, tensor.count);
  const std::int64_t packed = aligned_for_packs(tensor) ? begin + (end - begin) / 4 * 4 : begin;
#pragma unroll 2
  for (std::int64_t at = begin + threadIdx.x * 4; at < packed; at += device::kThreads * 4) {
    update_pack<4>(tensor, at, f);
  }
  for (std::int64_t at = packed + threadIdx.x; at < end; at += device::kThreads) {
    update_pack<1>(tensor, at, f);
  }
}

}  // namespace

void adamw(std::span<const AdamWTensor> tensors, const AdamWUpdate& update, Stream stream) {
  for (std::size_t first = 0; first < tensors.size(); first += kTensorsOfLaunch) {
    TensorList list{};
    unsigned blocks = 0;
    for (const AdamWTensor& tensor :
         tensors.subspan(first, std::min<std::size_t>(kTensorsOfLaunch, tensors.size() - first))) {
      if (tensor.count == 0) continue;
      list.tensors[list.count] = tensor;
      list.first_block[list.count++] = blocks;
      blocks += static_cast<unsigned>((tensor.count + kOfBlock - 1) / kOfBlock);
    }
    if (blocks == 0) continue;
    adamw_kernel<<<blocks, device::kThreads, 0, device::native(stream)>>>(list, update);
    PARADIGM_CUDA_CHECK(cudaGetLastError());
  }
}

}  // namespace kernels::cuda
