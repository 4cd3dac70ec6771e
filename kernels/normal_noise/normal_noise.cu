// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/launch.cuh"
#include "kernels/device/noise.cuh"
#include "kernels/normal_noise/normal.h"
#include "kernels/normal_noise/normal_noise.h"

namespace kernels::cuda {
namespace {

// One thread a block of four words, which is two elements.
__global__ void normal_kernel(NoiseStream stream, std::int64_t count, float* out) {
  const NoiseTime time = device::time_of(stream);
  const std::uint64_t first_element = stream.first_element;
  const std::uint64_t first_block = first_element / 2;
  const std::uint64_t last_block = (first_element + count - 1) / 2;
  const std::uint64_t stride = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t block = first_block + std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
       block <= last_block; block += stride) {
    const PhiloxBlock words = noise_block(stream.key, block, time);
    for (int half = 0; half < 2; ++half) {
      const std::int64_t i = static_cast<std::int64_t>(2 * block + half - first_element);
      if (i < 0 || i >= count) continue;
      out[i] = normal_from_uniform(uniform_from_word(words.word[2 * half]),
                                   uniform_from_word(words.word[2 * half + 1]));
    }
  }
}

}  // namespace

void normal(const NoiseStream& stream, std::int64_t count, float* out, Stream cuda_stream) {
  if (count == 0) return;
  normal_kernel<<<device::grid_for(count / 2 + 2), device::kThreads, 0,
                  device::native(cuda_stream)>>>(stream, count, out);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
