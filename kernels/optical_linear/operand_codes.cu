// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/launch.cuh"
#include "kernels/device/range.cuh"
#include "kernels/level_quantiser/quantise_values.cuh"
#include "kernels/optical_linear/operand_codes.h"
#include "kernels/optical_linear/unit_codes.cuh"

#include <algorithm>

namespace kernels::cuda {
namespace {

/// The range as it will be when finish() has updated it, in shared memory. Every thread of the
/// block calls it.
__device__ const float* updated_range(const RunningRange& range) {
  __shared__ float updated[2];
  if (threadIdx.x == 0) {
    updated[0] = range.state[0];
    updated[1] = range.state[1];
    device::update(device::decoded(range.scratch), range.smooth, updated);
  }
  __syncthreads();
  return updated;
}

template <typename X>
__global__ void __launch_bounds__(device::kThreads)
    encode_input_kernel(const X* x, InputToEncode input, bool aligned) {
  const float* const range = updated_range(input.range);
  device::quantise_values(x, input.count, FastLevelGrid(range, input.levels), LutFloor(range, 0),
                          device::input_factor(range), aligned, static_cast<__half*>(input.codes));
  __syncthreads();
  if (threadIdx.x != 0 || !device::comes_last(input.range.scratch, gridDim.x)) return;
  const Range observed = device::decoded(input.range.scratch);
  for (const RunningRange& follower : input.followers) {
    if (follower.state != nullptr) device::take(observed, follower);
  }
  device::finish(input.range);
}

constexpr int kMostWeights = 320;  ///< of one launch: a kernel's parameters are 32 KB at most
constexpr std::int64_t kChunk = 64 * device::kThreads;  ///< elements of a block

struct Weights {
  WeightToEncode all[kMostWeights];
  unsigned first_block[kMostWeights + 1];
  int count;
};

/// A block's share of one of the weights.
struct Share {
  const WeightToEncode& weight;
  std::int64_t begin, count;
  bool is_first;
  unsigned blocks;  ///< of the weight

  __device__ static Share of_block(const Weights& weights) {
    int low = 0, high = weights.count;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (weights.first_block[middle] <= blockIdx.x ? low : high) = middle;
    }
    const WeightToEncode& weight = weights.all[low];
    const unsigned first = weights.first_block[low];
    const std::int64_t begin = (blockIdx.x - first) * kChunk;
    return {weight, begin, min(weight.count - begin, kChunk), blockIdx.x == first,
            weights.first_block[low + 1] - first};
  }
  __device__ bool aligned() const {
    const auto address = [](const void* pointer) {
      return reinterpret_cast<std::uintptr_t>(pointer);
    };
    return (address(weight.w) | address(weight.codes)) % 16 == 0;
  }
};

__global__ void __launch_bounds__(device::kThreads)
    observe_weights_kernel(const __grid_constant__ Weights weights) {
  const Share share = Share::of_block(weights);
  device::range_of_share(share.weight.w + share.begin, share.count, share.aligned(), threadIdx.x,
                         device::kThreads)
      .fold_into(share.weight.range.scratch);
  if (share.is_first && threadIdx.x == 0 && share.weight.forgets != nullptr) {
    device::store_nothing(share.weight.forgets);
  }
}

__global__ void __launch_bounds__(device::kThreads)
    encode_weights_kernel(const __grid_constant__ Weights weights) {
  const Share share = Share::of_block(weights);
  const WeightToEncode& weight = share.weight;
  const float* const range = updated_range(weight.range);
  device::quantise_share(weight.w + share.begin, share.count, FastLevelGrid(range, weight.levels),
                         LutFloor(range, weight.lut_min), device::weight_factor(range),
                         share.aligned(), threadIdx.x, device::kThreads,
                         static_cast<__half*>(weight.codes) + share.begin);
  __syncthreads();
  if (threadIdx.x == 0 && device::comes_last(weight.range.scratch, share.blocks)) {
    device::finish(weight.range);
  }
}

}  // namespace

void encode_input(const InputToEncode& input, Stream stream) {
  device::with_element_type(input.type, [&](auto element) {
    using X = decltype(element);
    const unsigned blocks = std::min(device::grid_for(input.count / 8 + 1), 132u * 8);
    const bool aligned =
        device::aligned_for_eight(input.x) && device::aligned_for_eight(input.codes);
    encode_input_kernel<X><<<blocks, device::kThreads, 0, device::native(stream)>>>(
        static_cast<const X*>(input.x), input, aligned);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void encode_weights(std::span<const WeightToEncode> weights, Stream stream) {
  for (std::size_t begin = 0; begin < weights.size(); begin += kMostWeights) {
    Weights some = {};
    for (const WeightToEncode& weight :
         weights.subspan(begin, std::min<std::size_t>(kMostWeights, weights.size() - begin))) {
      const auto blocks = static_cast<unsigned>((weight.count + kChunk - 1) / kChunk);
      some.all[some.count] = weight;
      some.first_block[some.count + 1] = some.first_block[some.count] + blocks;
      ++some.count;
    }
    const unsigned blocks = some.first_block[some.count];
    observe_weights_kernel<<<blocks, device::kThreads, 0, device::native(stream)>>>(some);
    encode_weights_kernel<<<blocks, device::kThreads, 0, device::native(stream)>>>(some);
  }
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
