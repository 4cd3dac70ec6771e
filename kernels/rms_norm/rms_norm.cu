// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the usual widths stay in registers between the sum over a row and its use: every element
// is read once. Any other row is walked twice.
#include "kernels/rms_norm/norm_row.cuh"
#include "kernels/rms_norm/rms_norm.h"

#include <type_traits>

namespace kernels::cuda {
namespace {

using device::kMostColumns;
using device::kMostGradientPacks;
using device::kMostPacks;
using device::kPackColumns;
using device::RowWarps;
using device::with_row_shape;

template <typename T, int kPacks, int kRowWarps>
__global__ void __launch_bounds__(device::kThreads)
    rms_norm_kernel(const T* x, const T* delta, const float* weight, std::int64_t rows,
                    std::int64_t width, float epsilon, T* sums, T* y, float* scales, int* extent) {
  const RowWarps<kRowWarps> warps;
  device::ThreadRange seen;
  const auto add = [&](std::int64_t at, float(&value)[4]) {
    if (delta == nullptr) return;
    float added[4];
    device::load(delta + at, added);
#pragma unroll
    for (int i = 0; i < 4; ++i) value[i] = device::rounded_to<T>(value[i] + added[i]);
    device::store(value, sums + at);
  };
  device::norm_row<kPacks>(warps, x, weight, std::int64_t{blockIdx.x} * warps.kRows + warps.row,
                           rows, width, epsilon, /*turn=*/0, add, y, scales, seen);
  if (extent != nullptr) seen.accumulated().fold_into(extent);
}

/// A lane's share of what a row's gradient is made of, as it lies in memory.
template <typename T, int kPacks>
struct RowPacks {
  device::Pack<T, 4> x[kPacks], y_gradient[kPacks], sum_gradient[kPacks];
  float scale = 0;

  /// Nothing from row `end` on.
  template <typename Warps>
  __device__ void load(const Warps& warps, const T* x_rows, const T* y_gradients,
                       const T* sum_gradients, const float* scales, std::int64_t row,
                       std::int64_t end, std::int64_t width) {
    if (row >= end) return;
    scale = scales[row];
    warps.template for_packs<kPacks>(width, [&](std::int64_t column, int pack) {
      const auto pack_of = [&](const T* rows) {
        return *reinterpret_cast<const device::Pack<T, 4>*>(rows + row * width + column);
      };
      x[pack] = pack_of(x_rows);
      y_gradient[pack] = pack_of(y_gradients);
      if (sum_gradients != nullptr) sum_gradient[pack] = pack_of(sum_gradients);
    });
  }
};

/// dx = scale · (g·w - n · mean(g·w·n)) + d_sum, n = x · scale; each block sums g · n over its
/// share of the rows.
template <typename T, int kPacks, int kRowWarps>
__global__ void __launch_bounds__(device::kThreads, kPacks == 1 ? 4 : 2)
    rms_norm_gradient_kernel(const T* x, const float* weight, const float* scales,
                             const T* y_gradient, const T* sum_gradient, std::int64_t rows,
                             std::int64_t width, T* x_gradient, float* partial) {
  const RowWarps<kRowWarps> warps;
  device::Pack<T, 4> factor[kPacks];
  float weight_sum[kPacks][4] = {};
  warps.template for_packs<kPacks>(width, [&](std::int64_t column, int pack) {
#pragma unroll
    for (int i = 0; i < 4; ++i) factor[pack].value[i] = device::from_float<T>(weight[column + i]);
  });
  const std::int64_t begin = rows * blockIdx.x / gridDim.x;
  const std::int64_t end = rows * (blockIdx.x + 1) / gridDim.x;
  RowPacks<T, kPacks> next;
  next.load(warps, x, y_gradient, sum_gradient, scales, begin + warps.row, end, width);
  int turn = 0;
  for (std::int64_t base = begin; base < end; base += warps.kRows, ++turn) {
    // The next row is under way while this one is summed up.
    const RowPacks<T, kPacks> now = next;
    const std::int64_t row = base + warps.row;
    next.load(warps, x, y_gradient, sum_gradient, scales, row + warps.kRows, end, width);
    const bool exists = row < end;
    float n[kPacks][4], g[kPacks][4];
    float sum = 0;
    if (exists) {
      warps.template for_packs<kPacks>(width, [&](std::int64_t, int pack) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float gradient = device::to_float(now.y_gradient[pack].value[i]);
          n[pack][i] = device::to_float(now.x[pack].value[i]) * now.scale;
          weight_sum[pack][i] = fmaf(gradient, n[pack][i], weight_sum[pack][i]);
          g[pack][i] = gradient * device::to_float(factor[pack].value[i]);
          sum = fmaf(g[pack][i], n[pack][i], sum);
        }
      });
    }
    const float mean = warps.sum(sum, turn) / static_cast<float>(width);
    if (!exists) continue;
    warps.template for_packs<kPacks>(width, [&](std::int64_t column, int pack) {
      float added[4] = {};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (sum_gradient != nullptr) added[i] = device::to_float(now.sum_gradient[pack].value[i]);
        added[i] += now.scale * fmaf(-n[pack][i], mean, g[pack][i]);
      }
      device::store(added, x_gradient + row * width + column);
    });
  }

  // One row of warps after the other, so that the order is always the same.
  __shared__ float sums[kPacks * kRowWarps * kPackColumns];
  for (int turn = 0; turn < warps.kRows; ++turn) {
    if (warps.row == turn) {
      warps.template for_packs<kPacks>(width, [&](std::int64_t column, int pack) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float before = turn == 0 ? 0.0f : sums[column + i];
          sums[column + i] = before + weight_sum[pack][i];
        }
      });
    }
    __syncthreads();
  }
  for (std::int64_t column = threadIdx.x; column < width; column += device::kThreads) {
    partial[blockIdx.x * width + column] = sums[column];
  }
}

template <typename T>
__device__ void any_rms_norm_row(const T* x, const T* delta, const float* weight, std::int64_t row,
                                 std::int64_t width, float epsilon, T* sums, T* y, float* scales,
                                 device::ThreadRange& seen) {
  const auto value_at = [&](std::int64_t column) {
    const std::int64_t at = row * width + column;
    const float value = device::to_float(x[at]);
    return delta == nullptr ? value : device::rounded_to<T>(value + device::to_float(delta[at]));
  };
  float squares = 0;
  device::for_columns<false>(width, [&](std::int64_t column) {
    const float value = value_at(column);
    if (delta != nullptr) sums[row * width + column] = device::from_float<T>(value);
    squares = fmaf(value, value, squares);
  });
  const float scale = rsqrtf(device::warp_sum(squares) / static_cast<float>(width) + epsilon);
  if (threadIdx.x % 32 == 0) scales[row] = scale;
  device::for_columns<false>(width, [&](std::int64_t column) {
    const T normed = device::from_float<T>(device::rounded_to<T>(value_at(column) * scale) *
                                           device::rounded_to<T>(weight[column]));
    seen.add(device::to_float(normed));
    y[row * width + column] = normed;
  });
}

template <typename T>
__global__ void any_rms_norm_kernel(const T* x, const T* delta, const float* weight,
                                    std::int64_t rows, std::int64_t width, float epsilon, T* sums,
                                    T* y, float* scales, int* extent) {
  const std::int64_t row = device::row_of_warp();
  device::ThreadRange seen;
  if (row < rows) {
    any_rms_norm_row(x, delta, weight, row, width, epsilon, sums, y, scales, seen);
  }
  if (extent != nullptr) seen.accumulated().fold_into(extent);
}

template <typename T>
__global__ void any_input_gradient_kernel(const T* x, const float* weight, const float* scales,
                                          const T* y_gradient, const T* sum_gradient,
                                          std::int64_t rows, std::int64_t width, T* x_gradient) {
  const std::int64_t row = device::row_of_warp();
  if (row >= rows) return;
  const float scale = scales[row];
  const auto n_at = [&](std::int64_t column) {
    return device::to_float(x[row * width + column]) * scale;
  };
  const auto g_at = [&](std::int64_t column) {
    return device::to_float(y_gradient[row * width + column]) *
           device::rounded_to<T>(weight[column]);
  };
  float sum = 0;
  device::for_columns<false>(
      width, [&](std::int64_t column) { sum = fmaf(g_at(column), n_at(column), sum); });
  const float mean = device::warp_sum(sum) / static_cast<float>(width);
  device::for_columns<false>(width, [&](std::int64_t column) {
    const std::int64_t at = row * width + column;
    const float added = sum_gradient == nullptr ? 0.0f : device::to_float(sum_gradient[at]);
    x_gradient[at] = device::from_float<T>(added + scale * fmaf(-n_at(column), mean, g_at(column)));
  });
}

constexpr int kColumns = 32;
constexpr int kRowLanes = device::kThreads / kColumns;

/// Each block sums g · n over its share of the rows for 32 columns.
template <typename T>
__global__ void any_weight_gradient_kernel(const T* x, const float* scales, const T* y_gradient,
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

bool stays_in_registers(std::int64_t width, std::initializer_list<const void*> rows,
                        const float* weight, ElementType type) {
  return width <= kMostColumns && device::takes_packs(width, rows, type) &&
         device::aligned_for_four(weight, 4);
}

}  // namespace

void rms_norm(const void* x, const void* delta, const float* weight, ElementType type,
              std::int64_t rows, std::int64_t width, float epsilon, void* sum, void* y,
              float* scale, ObservedRange extent, Stream stream) {
  if (rows == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const auto launch = [&](auto kernel, std::int64_t rows_of_block) {
      const auto blocks = static_cast<unsigned>((rows + rows_of_block - 1) / rows_of_block);
      kernel<<<blocks, device::kThreads, 0, device::native(stream)>>>(
          static_cast<const T*>(x), static_cast<const T*>(delta), weight, rows, width, epsilon,
          static_cast<T*>(sum), static_cast<T*>(y), scale, extent);
    };
    if (stays_in_registers(width, {x, delta, sum, y}, weight, type)) {
      with_row_shape<kMostPacks>(width, [&](auto packs, auto row_warps) {
        launch(&rms_norm_kernel<T, packs(), row_warps()>, RowWarps<row_warps()>::kRows);
      });
    } else {
      launch(&any_rms_norm_kernel<T>, device::kWarps);
    }
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void rms_norm_gradient(const void* x, const float* weight, const float* scale,
                       const void* y_gradient, const void* sum_gradient, ElementType type,
                       std::int64_t rows, std::int64_t width, void* x_gradient,
                       float* partial_weight_gradients, Stream stream) {
  if (rows == 0) {
    PARADIGM_CUDA_CHECK(
        cudaMemsetAsync(partial_weight_gradients, 0,
                        kRmsNormPartialRows * static_cast<std::size_t>(width) * sizeof(float),
                        device::native(stream)));
    return;
  }
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const auto* from = static_cast<const T*>(x);
    const auto* g = static_cast<const T*>(y_gradient);
    const auto* added = static_cast<const T*>(sum_gradient);
    auto* to = static_cast<T*>(x_gradient);
    if (stays_in_registers(width, {x, y_gradient, sum_gradient, x_gradient}, weight, type)) {
      with_row_shape<kMostGradientPacks>(width, [&](auto packs, auto row_warps) {
        rms_norm_gradient_kernel<T, packs(), row_warps()>
            <<<kRmsNormPartialRows, device::kThreads, 0, device::native(stream)>>>(
                from, weight, scale, g, added, rows, width, to, partial_weight_gradients);
      });
      return;
    }
    any_input_gradient_kernel<T>
        <<<device::grid_of_rows(rows), device::kThreads, 0, device::native(stream)>>>(
            from, weight, scale, g, added, rows, width, to);
    const dim3 grid(static_cast<unsigned>((width + kColumns - 1) / kColumns), kRmsNormPartialRows);
    any_weight_gradient_kernel<T><<<grid, device::kThreads, 0, device::native(stream)>>>(
        from, scale, g, rows, width, partial_weight_gradients);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
