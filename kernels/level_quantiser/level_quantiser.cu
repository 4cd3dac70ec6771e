// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/balance.cuh"
#include "kernels/device/elements.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/noise.cuh"
#include "kernels/device/range.cuh"
#include "kernels/level_quantiser/level.h"
#include "kernels/level_quantiser/level_quantiser.h"

namespace kernels::cuda {
namespace {

template <typename X, typename Y>
__global__ void quantise_kernel(const X* x, std::int64_t count, std::int32_t levels,
                                const float* range, float lut_min, const float* partner,
                                bool aligned, Y* y) {
  const LevelGrid grid(range, levels);
  const LutFloor floor(range, lut_min);
  const float factor = partner == nullptr ? 1.0f : device::balance(range, partner);
  const auto quantised = [&](X value) {
    return device::from_float<Y>(floor.lift(grid.level(device::to_float(value), 0.0f)) * factor);
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

/// The four values that share a block of noise. Element 0 may lie before the tensor and element 3
/// behind it.
struct NoiseGroup {
  std::int64_t first;
  std::int64_t count;
  bool aligned;

  __device__ bool has(int w) const { return first + w >= 0 && first + w < count; }
  __device__ bool is_packed() const { return aligned && first >= 0 && first + 4 <= count; }
};

// A thread serves one block of the noise, that is four neighbouring elements of the global tensor.
template <typename Y>
__global__ void read_out_kernel(const float* x, std::int64_t count, std::int64_t cols, ReadOut how,
                                bool aligned, Y* y, int* observed) {
  const LevelGrid grid(how.range, how.levels, how.frozen);
  const NoiseTime time = device::time_of(how.noise);
  const float frozen_u = how.frozen ? frozen_uniform(how.noise.key) : 0.0f;
  device::RangeAccumulator seen;
  const std::uint64_t first_block = how.noise.first_element / 4;
  const std::uint64_t blocks = (how.noise.first_element + count + 3) / 4 - first_block;
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t b = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; b < blocks;
       b += step) {
    const std::uint64_t block = first_block + b;
    const NoiseGroup group{static_cast<std::int64_t>(4 * block - how.noise.first_element), count,
                           aligned};
    device::Four<float> value{};
    if (group.is_packed()) {
      value = *reinterpret_cast<const device::Four<float>*>(x + group.first);
    } else {
      for (int w = 0; w < 4; ++w) {
        if (group.has(w)) value.value[w] = x[group.first + w];
      }
    }
    PhiloxBlock words{};
    if (how.noisy && !how.frozen) words = noise_block(how.noise.key, block, time);
    device::Four<Y> out;
    std::int64_t column = 0;
    if (how.bias != nullptr) column = (group.first % cols + cols) % cols;
    for (int w = 0; w < 4; ++w) {
      const float raw = value.value[w];
      if (group.has(w)) seen.add(raw);
      const float u = how.frozen ? frozen_u : uniform_from_word(words.word[w]);
      const float xi = how.noisy ? u - 0.5f : 0.0f;
      float level = grid.level(raw, xi);
      if (how.bias != nullptr) {
        level += how.bias[column];
        if (++column == cols) column = 0;
      }
      out.value[w] = device::from_float<Y>(level);
    }
    if (group.is_packed()) {
      *reinterpret_cast<device::Four<Y>*>(y + group.first) = out;
      continue;
    }
    for (int w = 0; w < 4; ++w) {
      if (group.has(w)) y[group.first + w] = out.value[w];
    }
  }
  if (observed != nullptr) seen.fold_into(observed);
}

}  // namespace

void quantise(const void* x, ElementType x_type, std::int64_t count, std::int32_t levels,
              const float* range, float lut_min, void* y, ElementType y_type, Stream stream,
              const float* partner) {
  if (count == 0) return;
  device::with_element_type(x_type, [&](auto x_element) {
    device::with_element_type(y_type, [&](auto y_element) {
      using X = decltype(x_element);
      using Y = decltype(y_element);
      const bool aligned =
          device::aligned_for_four(x, sizeof(X)) && device::aligned_for_four(y, sizeof(Y));
      quantise_kernel<X, Y>
          <<<device::grid_for(count / 4 + 1), device::kThreads, 0, device::native(stream)>>>(
              static_cast<const X*>(x), count, levels, range, lut_min, partner, aligned,
              static_cast<Y*>(y));
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
    const bool aligned = how.noise.first_element % 4 == 0 &&
                         device::aligned_for_four(x, sizeof(float)) &&
                         device::aligned_for_four(y, sizeof(Y));
    read_out_kernel<Y>
        <<<device::grid_for(count / 4 + 2), device::kThreads, 0, device::native(stream)>>>(
            x, count, cols, how, aligned, static_cast<Y*>(y), observed);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
