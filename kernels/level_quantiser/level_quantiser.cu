// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/balance.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/noise.cuh"
#include "kernels/device/range.cuh"
#include "kernels/level_quantiser/level_quantiser.h"
#include "kernels/level_quantiser/quantise_values.cuh"

namespace kernels::cuda {
namespace {

template <typename X, typename Y>
__global__ void quantise_kernel(const X* x, std::int64_t count, std::int32_t levels,
                                const float* range, float lut_min, const float* partner,
                                bool aligned, Y* y) {
  device::quantise_values(x, count, FastLevelGrid(range, levels), LutFloor(range, lut_min),
                          partner == nullptr ? 1.0f : device::balance(range, partner), aligned, y);
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
__device__ device::RangeAccumulator read_out_rows(const float* x, std::int64_t count,
                                                  std::int64_t cols, const ReadOut& how,
                                                  bool aligned, Y* y) {
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
  return seen;
}

/// The same of whole eights that begin with a block of the noise, without bias.
template <typename Y, bool noisy>
__device__ device::RangeAccumulator read_out_eights(const float* x, std::int64_t eights,
                                                    const ReadOut& how, const PhiloxRoundKeys& keys,
                                                    Y* y) {
  const FastLevelGrid grid(how.range, how.levels);
  const NoiseTime time = device::time_of(how.noise);
  const std::uint64_t first_block = how.noise.first_element / 4;
  device::ThreadRange seen;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < eights;
       i += step) {
    const device::Eight<float> in = reinterpret_cast<const device::Eight<float>*>(x)[i];
    PhiloxBlock words[2] = {};
    if (noisy) {
      const std::uint64_t block = first_block + 2 * static_cast<std::uint64_t>(i);
      const std::uint64_t blocks[2] = {block, block + 1};
      noise_blocks(keys, blocks, time, words);
    }
    device::Eight<Y> out;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      seen.add(in.value[j]);
      const float xi = noisy ? uniform_from_word(words[j / 4].word[j % 4]) - 0.5f : 0.0f;
      out.value[j] = device::from_float<Y>(grid.level(in.value[j], xi));
    }
    reinterpret_cast<device::Eight<Y>*>(y)[i] = out;
  }
  return seen.accumulated();
}

/// What becomes of the range that a kernel saw.
struct Observer {
  int* observed = nullptr;
  RunningRange running;

  __device__ void take(const device::RangeAccumulator& seen) const {
    if (observed != nullptr) seen.fold_into(observed);
    if (running.state != nullptr) device::fold_and_update(seen, running);
  }
};

template <typename Y>
__global__ void read_out_kernel(const float* x, std::int64_t count, std::int64_t cols, ReadOut how,
                                bool aligned, Y* y, Observer observer) {
  observer.take(read_out_rows(x, count, cols, how, aligned, y));
}

template <typename Y, bool noisy>
__global__ void read_out_eights_kernel(const float* x, std::int64_t eights, ReadOut how,
                                       const __grid_constant__ PhiloxRoundKeys keys, Y* y,
                                       Observer observer) {
  observer.take(read_out_eights<Y, noisy>(x, eights, how, keys, y));
}

void launch_read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how,
                     void* y, ElementType y_type, const Observer& observer, Stream stream) {
  const std::int64_t count = rows * cols;
  device::with_element_type(y_type, [&](auto y_element) {
    using Y = decltype(y_element);
    auto* const out = static_cast<Y*>(y);
    const bool whole_blocks = how.noise.first_element % 4 == 0;
    if (whole_blocks && count % 8 == 0 && how.bias == nullptr && !how.frozen &&
        device::aligned_for_eight(x) && device::aligned_for_eight(y)) {
      const auto kernel =
          how.noisy ? &read_out_eights_kernel<Y, true> : &read_out_eights_kernel<Y, false>;
      kernel<<<device::grid_that_meets(count / 8), device::kThreads, 0, device::native(stream)>>>(
          x, count / 8, how, PhiloxRoundKeys(how.noise.key), out, observer);
      return;
    }
    const bool aligned = whole_blocks && device::aligned_for_four(x, sizeof(float)) &&
                         device::aligned_for_four(y, sizeof(Y));
    read_out_kernel<Y>
        <<<device::grid_that_meets(count / 4 + 2), device::kThreads, 0, device::native(stream)>>>(
            x, count, cols, how, aligned, out, observer);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
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
      const bool aligned = device::aligned_for_eight(x) && device::aligned_for_eight(y);
      quantise_kernel<X, Y>
          <<<device::grid_for(count / 8 + 1), device::kThreads, 0, device::native(stream)>>>(
              static_cast<const X*>(x), count, levels, range, lut_min, partner, aligned,
              static_cast<Y*>(y));
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, void* y,
              ElementType y_type, ObservedRange observed, Stream stream) {
  if (rows * cols == 0) return;
  launch_read_out(x, rows, cols, how, y, y_type, {.observed = observed, .running = {}}, stream);
}

void read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, void* y,
              ElementType y_type, const RunningRange& running, Stream stream) {
  ReadOut in_range = how;
  in_range.range = running.state;
  launch_read_out(x, rows, cols, in_range, y, y_type, {.observed = nullptr, .running = running},
                  stream);
}

}  // namespace kernels::cuda
