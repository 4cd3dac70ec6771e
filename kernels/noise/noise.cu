// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/launch.cuh"
#include "kernels/device/noise.cuh"
#include "kernels/noise/noise.h"

namespace kernels::cuda {
namespace {

// One thread a block of four words. The first and last block of an unaligned piece are partly
// outside it.
__global__ void uniform_kernel(NoiseStream stream, std::int64_t count, float* out) {
  const NoiseTime time = device::time_of(stream);
  const std::uint64_t first_block = stream.first_element / 4;
  const std::uint64_t last_block = (stream.first_element + count - 1) / 4;
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t block = first_block + std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
       block <= last_block; block += step) {
    const PhiloxBlock words = noise_block(stream.key, block, time);
    for (int w = 0; w < 4; ++w) {
      const std::int64_t i = static_cast<std::int64_t>(4 * block + w - stream.first_element);
      if (i >= 0 && i < count) out[i] = uniform_from_word(words.word[w]);
    }
  }
}

}  // namespace

void uniform(const NoiseStream& stream, std::int64_t count, float* out, Stream cuda_stream) {
  if (count == 0) return;
  uniform_kernel<<<device::grid_for(count / 4 + 2), device::kThreads, 0,
                   device::native(cuda_stream)>>>(stream, count, out);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
