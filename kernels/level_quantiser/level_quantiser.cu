// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/elements.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/range.cuh"
#include "kernels/level_quantiser/level.h"
#include "kernels/level_quantiser/level_quantiser.h"

namespace kernels::cuda {
namespace {

template <typename X, typename Y>
__global__ void quantise_kernel(const X* x, std::int64_t count, std::int32_t levels,
                                const float* range, float lut_min, bool aligned, Y* y) {
  const LevelGrid grid(range, levels);
  const LutFloor floor(range, lut_min);
  const auto quantised = [&](X value) {
    return device::from_float<Y>(floor.lift(grid.level(device::to_float(value), 0.0f)));
  };
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  const std::int64_t thread = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t fours = aligned ? count / 4 : 0;
  for (std::int64_t i = thread; i < fours; i += step) {
    const device::Four<X> in = reinterpret_cast<const device::Four<X>*>(x)[i];
    device::Four<Y> out;
    for (int j = 0; j < 4; ++j) out.value[j] = quantised(in.value[j]);
    reinterpret_cast<device::Four<Y>*>(y)[i] = out;
  }
  for (std::int64_t i = 4 * fours + thread; i < count; i += step) y[i] = quantised(x[i]);
}

// A thread serves one block of the noise, that is four neighbouring elements of the global tensor.
template <typename Y>
__global__ void read_out_kernel(const float* x, std::int64_t count, std::int64_t cols,
                                std::int32_t levels, const float* range, bool noisy,
                                std::uint64_t key, NoiseTime time, std::uint64_t first_element,
                                const float* bias, Y* y, int* observed) {
  const LevelGrid grid(range, levels);
  device::RangeAccumulator seen;
  const std::uint64_t first_block = first_element / 4;
  const std::uint64_t blocks = (first_element + count + 3) / 4 - first_block;
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t b = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; b < blocks;
       b += step) {
    const std::uint64_t block = first_block + b;
    PhiloxBlock words{};
    if (noisy) words = noise_block(key, block, time);
    for (int w = 0; w < 4; ++w) {
      const std::int64_t i = static_cast<std::int64_t>(4 * block + w - first_element);
      if (i < 0 || i >= count) continue;
      const float value = x[i];
      seen.add(value);
      const float xi = noisy ? uniform_from_word(words.word[w]) - 0.5f : 0.0f;
      const float level = grid.level(value, xi);
      y[i] = device::from_float<Y>(bias == nullptr ? level : level + bias[i % cols]);
    }
  }
  if (observed != nullptr) seen.fold_into(observed);
}

}  // namespace

void quantise(const void* x, ElementType x_type, std::int64_t count, std::int32_t levels,
              const float* range, float lut_min, void* y, ElementType y_type, Stream stream) {
  if (count == 0) return;
  device::with_element_type(x_type, [&](auto x_element) {
    device::with_element_type(y_type, [&](auto y_element) {
      using X = decltype(x_element);
      using Y = decltype(y_element);
      const bool aligned =
          device::aligned_for_four(x, sizeof(X)) && device::aligned_for_four(y, sizeof(Y));
      quantise_kernel<X, Y>
          <<<device::grid_for(count / 4 + 1), device::kThreads, 0, device::native(stream)>>>(
              static_cast<const X*>(x), count, levels, range, lut_min, aligned, static_cast<Y*>(y));
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, void* y,
              ElementType y_type, ObservedRange observed, Stream stream) {
  const std::int64_t count = rows * cols;
  if (count == 0) return;
  device::with_element_type(y_type, [&](auto y_element) {
    using Y = decltype(y_element);
    read_out_kernel<Y>
        <<<device::grid_for(count / 4 + 2), device::kThreads, 0, device::native(stream)>>>(
            x, count, cols, how.levels, how.range, how.noisy, how.noise.key, how.noise.time,
            how.noise.first_element, how.bias, static_cast<Y*>(y), observed);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
