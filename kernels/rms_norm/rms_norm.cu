// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/rows.cuh"
#include "kernels/rms_norm/rms_norm.h"

namespace kernels::cuda {
namespace {

template <typename T, int kCount>
__global__ void rms_norm_kernel(const T* x, const float* weight, std::int64_t rows,
                                std::int64_t width, float epsilon, T* y, float* scales) {
  const std::int64_t row = device::row_of_warp();
  if (row >= rows) return;
  const T* from = x + row * width;
  float sum = 0;
  device::for_columns<kCount == 4>(width, [&](std::int64_t column) {
    float value[kCount];
    device::load(from + column, value);
#pragma unroll
    for (int i = 0; i < kCount; ++i) sum = fmaf(value[i], value[i], sum);
  });
  const float scale = rsqrtf(device::warp_sum(sum) / static_cast<float>(width) + epsilon);
  if (threadIdx.x % 32 == 0) scales[row] = scale;
  device::for_columns<kCount == 4>(width, [&](std::int64_t column) {
    float value[kCount], factor[kCount];
    device::load(from + column, value);
    device::load(weight + column, factor);
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      value[i] = device::rounded_to<T>(value[i] * scale) * device::rounded_to<T>(factor[i]);
    }
    device::store(value, y + row * width + column);
  });
}

/// dx = scale · (g·w - n · mean(g·w·n)), n = x · scale.
template <typename T, int kCount>
__global__ void input_gradient_kernel(const T* x, const float* weight, const float* scales,
                                      const T* y_gradient, std::int64_t rows, std::int64_t width,
                                      T* x_gradient) {
  const std::int64_t row = device::row_of_warp();
  if (row >= rows) return;
  const float scale = scales[row];
  const auto weighted = [&](std::int64_t column, float(&n)[kCount], float(&g)[kCount]) {
    float factor[kCount];
    device::load(x + row * width + column, n);
    device::load(y_gradient + row * width + column, g);
    device::load(weight + column, factor);
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      n[i] *= scale;
      g[i] *= device::rounded_to<T>(factor[i]);
    }
  };
  float sum = 0;
  device::for_columns<kCount == 4>(width, [&](std::int64_t column) {
    float n[kCount], g[kCount];
    weighted(column, n, g);
#pragma unroll
    for (int i = 0; i < kCount; ++i) sum = fmaf(g[i], n[i], sum);
  });
  const float mean = device::warp_sum(sum) / static_cast<float>(width);
  device::for_columns<kCount == 4>(width, [&](std::int64_t column) {
    float n[kCount], g[kCount];
    weighted(column, n, g);
#pragma unroll
    for (int i = 0; i < kCount; ++i) g[i] = scale * fmaf(-n[i], mean, g[i]);
    device::store(g, x_gradient + row * width + column);
  });
}

constexpr int kColumns = 32;
constexpr int kRowLanes = device::kThreads / kColumns;

/// Each block sums g · n over its share of the rows for 32 columns.
template <typename T>
__global__ void weight_gradient_kernel(const T* x, const float* scales, const T* y_gradient,
                                       std::int64_t rows, std::int64_t width, float* partial) {
  __shared__ float sums[kRowLanes][kColumns];
  const int lane = threadIdx.x % kColumns;
  const int row_lane = threadIdx.x / kColumns;
  const std::int64_t column = std::int64_t{blockIdx.x} * kColumns + lane;
  const std::int64_t begin = rows * blockIdx.y / gridDim.y;
  const std::int64_t end = rows * (blockIdx.y + 1) / gridDim.y;
  float sum = 0;
  if (column < width) {
    for (std::int64_t row = begin + row_lane; row < end; row += kRowLanes) {
      const float n = device::to_float(x[row * width + column]) * scales[row];
      sum = fmaf(device::to_float(y_gradient[row * width + column]), n, sum);
    }
  }
  sums[row_lane][lane] = sum;
  __syncthreads();
  if (row_lane != 0 || column >= width) return;
  for (int other = 1; other < kRowLanes; ++other) sum += sums[other][lane];
  partial[blockIdx.y * width + column] = sum;
}

}  // namespace

void rms_norm(const void* x, const float* weight, ElementType type, std::int64_t rows,
              std::int64_t width, float epsilon, void* y, float* scale, Stream stream) {
  if (rows == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const bool fours =
        device::takes_packs(width, {x, y}, type) && device::aligned_for_four(weight, 4);
    const auto kernel = fours ? &rms_norm_kernel<T, 4> : &rms_norm_kernel<T, 1>;
    kernel<<<device::grid_of_rows(rows), device::kThreads, 0, device::native(stream)>>>(
        static_cast<const T*>(x), weight, rows, width, epsilon, static_cast<T*>(y), scale);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void rms_norm_gradient(const void* x, const float* weight, const float* scale,
                       const void* y_gradient, ElementType type, std::int64_t rows,
                       std::int64_t width, void* x_gradient, float* partial_weight_gradients,
                       Stream stream) {
  if (rows == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const auto* from = static_cast<const T*>(x);
    const auto* g = static_cast<const T*>(y_gradient);
    const bool fours = device::takes_packs(width, {x, y_gradient, x_gradient}, type) &&
                       device::aligned_for_four(weight, 4);
    const auto kernel = fours ? &input_gradient_kernel<T, 4> : &input_gradient_kernel<T, 1>;
    kernel<<<device::grid_of_rows(rows), device::kThreads, 0, device::native(stream)>>>(
        from, weight, scale, g, rows, width, static_cast<T*>(x_gradient));
    const dim3 grid(static_cast<unsigned>((width + kColumns - 1) / kColumns), kRmsNormPartialRows);
    weight_gradient_kernel<T><<<grid, device::kThreads, 0, device::native(stream)>>>(
        from, scale, g, rows, width, partial_weight_gradients);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
