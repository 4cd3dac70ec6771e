// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/balance.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/range.cuh"
#include "kernels/encode_operands/encode_operands.h"
#include "kernels/level_quantiser/quantise_values.cuh"

#include <algorithm>

namespace kernels::cuda {
namespace {

struct Operands {
  OperandToEncode all[kMostOperands];
  int count = 0;
};

/// Calls work(x as it is typed).
template <typename Work>
__device__ auto with_values(const OperandToEncode& operand, const Work& work) {
  if (operand.type == ElementType::bf16) return work(static_cast<const __nv_bfloat16*>(operand.x));
  if (operand.type == ElementType::fp16) return work(static_cast<const __half*>(operand.x));
  return work(static_cast<const float*>(operand.x));
}

__device__ bool is_aligned(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0;
}

/// Every thread comes back when all blocks have come here and `last` was called by one thread of
/// the last. `scratch` is a RunningRange's.
template <typename Last>
__device__ void wait_for_all_blocks(int* scratch, const Last& last) {
  __syncthreads();
  if (threadIdx.x == 0) {
    const volatile int* generation = scratch + 4;
    const int before = *generation;
    if (device::comes_last(scratch, device::blocks_of_grid())) {
      last();
      __threadfence();
      atomicAdd(scratch + 4, 1);
    } else {
      while (*generation == before) __nanosleep(32);
      __threadfence();
    }
  }
  __syncthreads();
}

/// Written by another block of this kernel.
__device__ void fetch(const float* range, float (&to)[2]) {
  to[0] = __ldcg(range);
  to[1] = __ldcg(range + 1);
}

template <typename X, typename Y>
__device__ void quantise_share(const X* x, const OperandToEncode& operand, std::int32_t levels) {
  float range[2], partner[2];
  fetch(operand.range.used, range);
  float factor = 1;
  if (operand.partner != nullptr) {
    fetch(operand.partner, partner);
    factor = device::balance(range, partner);
  }
  auto* const y = static_cast<Y*>(operand.y);
  device::quantise_values(x, operand.count, FastLevelGrid(range, levels),
                          LutFloor(range, operand.lut_min), factor, is_aligned(x) && is_aligned(y),
                          y);
}

template <typename Y>
__global__ void __launch_bounds__(device::kThreads, 4)
    encode_kernel(Operands operands, std::int32_t levels) {
  for (int i = 0; i < operands.count; ++i) {
    const OperandToEncode& operand = operands.all[i];
    with_values(operand, [&](const auto* x) {
      device::range_of(x, operand.count, is_aligned(x)).fold_into(operand.range.scratch);
    });
  }
  wait_for_all_blocks(operands.all[0].range.scratch, [&] {
    for (int i = 0; i < operands.count; ++i) device::finish(operands.all[i].range);
  });
  for (int i = 0; i < operands.count; ++i) {
    const OperandToEncode& operand = operands.all[i];
    with_values(operand, [&](const auto* x) {
      using X = std::remove_cv_t<std::remove_pointer_t<decltype(x)>>;
      quantise_share<X, Y>(x, operand, levels);
    });
  }
}

/// Blocks that the device runs at once, which all must: they wait for each other.
template <typename Kernel>
int blocks_at_once(Kernel kernel) {
  int device = 0, processors = 0, blocks = 0;
  PARADIGM_CUDA_CHECK(cudaGetDevice(&device));
  PARADIGM_CUDA_CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  PARADIGM_CUDA_CHECK(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, device::kThreads, 0));
  return processors * std::min(blocks, 4);
}

}  // namespace

void encode_operands(std::span<const OperandToEncode> list, std::int32_t levels, ElementType y_type,
                     Stream stream) {
  if (list.size() > kMostOperands) throw CudaError("encode_operands: more operands than it takes");
  Operands operands;
  std::int64_t most = 0;
  for (const OperandToEncode& operand : list) {
    operands.all[operands.count++] = operand;
    most = std::max(most, operand.count);
  }
  device::with_element_type(y_type, [&](auto element) {
    const auto kernel = &encode_kernel<decltype(element)>;
    const auto blocks = static_cast<unsigned>(
        std::min<std::int64_t>(blocks_at_once(kernel), device::grid_for(most / 8 + 1)));
    void* arguments[] = {&operands, &levels};
    PARADIGM_CUDA_CHECK(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(kernel),
                                                    dim3(blocks), dim3(device::kThreads), arguments,
                                                    0, device::native(stream)));
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
