// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the usual widths stay in registers between the sum over a row and its use: every element
// is read once. Any other row is walked twice.
#include "kernels/device/mma.cuh"
#include "kernels/rms_norm/norm_row.cuh"
#include "kernels/rms_norm/rms_norm.h"

#include <initializer_list>
#include <type_traits>

namespace kernels::cuda {
namespace {

using device::kMostColumns;
using device::RowWarps;
using device::with_access;
using device::with_row_shape;

template <typename T, int kCount, int kPacks, int kRowWarps>
__global__ void __launch_bounds__(device::kThreads)
    rms_norm_kernel(const T* x, const T* delta, const float* weight, std::int64_t rows,
                    std::int64_t width, float epsilon, T* sums, T* y, float* scales, int* extent) {
  const RowWarps<kRowWarps> warps;
  device::ThreadRange seen;
  const auto add = [&](std::int64_t at, float(&value)[kCount]) {
    if (delta == nullptr) return;
    float added[kCount];
    device::load(delta + at, added);
#pragma unroll
    for (int i = 0; i < kCount; ++i) value[i] = device::rounded_to<T>(value[i] + added[i]);
    device::store(value, sums + at);
  };
  device::norm_row<kPacks, kCount>(
      warps, x, weight, std::int64_t{blockIdx.x} * warps.kRows + warps.row, rows, width, epsilon,
      /*turn=*/0, add, y, scales, seen);
  if (extent != nullptr) seen.accumulated().fold_into(extent);
}

/// What the gradients of rows are made of, on its way to the lanes: each fetches its own share some
/// rows ahead into shared memory, where that takes no registers, and nobody else looks at it.
template <typename T, int kCount, int kPacks>
class RowsAhead {
 public:
  static constexpr int kStages = 3;
  using RowPack = device::Pack<T, kCount>;
  static constexpr int kBytes =
      kStages * device::kThreads * (3 * kPacks * static_cast<int>(sizeof(RowPack)) + 4);

  __device__ RowsAhead(unsigned char* memory, const T* x, const T* y_gradient,
                       const T* sum_gradient, const float* scales)
      : packs_(reinterpret_cast<RowPack*>(memory)),
        scales_of_rows_(reinterpret_cast<float*>(packs_ + kStages * 3 * kPacks * device::kThreads)),
        x_(x),
        y_gradient_(y_gradient),
        sum_gradient_(sum_gradient),
        scales_(scales) {}

  /// Nothing from row `rows` on; every call counts for arrived().
  template <typename Warps>
  __device__ void fetch(const Warps& warps, int turn, std::int64_t row, std::int64_t rows,
                        std::int64_t width) {
    if (row < rows) {
      warps.template for_packs<kPacks, kCount>(width, [&](std::int64_t column, int pack) {
        const std::int64_t at = row * width + column;
        copy(x_ + at, place(turn, 0, pack));
        copy(y_gradient_ + at, place(turn, 1, pack));
        if (sum_gradient_ != nullptr) copy(sum_gradient_ + at, place(turn, 2, pack));
      });
      asm volatile("cp.async.ca.shared.global [%0], [%1], 4;"
                   :
                   : "r"(device::shared_address(scale_place(turn))), "l"(scales_ + row)
                   : "memory");
    }
    device::commit_copies();
  }
  /// Waits for all fetches but the last kStages - 2.
  __device__ void arrived() const { device::wait_for_copies<kStages - 2>(); }

  __device__ void x(int turn, int pack, float (&to)[kCount]) const {
    device::load(place(turn, 0, pack)->value, to);
  }
  __device__ void y_gradient(int turn, int pack, float (&to)[kCount]) const {
    device::load(place(turn, 1, pack)->value, to);
  }
  __device__ bool has_sum_gradient() const { return sum_gradient_ != nullptr; }
  __device__ void sum_gradient(int turn, int pack, float (&to)[kCount]) const {
    device::load(place(turn, 2, pack)->value, to);
  }
  __device__ float scale(int turn) const { return *scale_place(turn); }

 private:
  __device__ RowPack* place(int turn, int which, int pack) const {
    return packs_ + ((turn % kStages * 3 + which) * kPacks + pack) * device::kThreads + threadIdx.x;
  }
  __device__ float* scale_place(int turn) const {
    return scales_of_rows_ + turn % kStages * device::kThreads + threadIdx.x;
  }
  __device__ static void copy(const T* from, RowPack* to) {
    if constexpr (sizeof(RowPack) == 16) {
      device::copy_async(device::shared_address(to), from);
    } else {
      device::copy_pair_async(device::shared_address(to), from, true);
    }
  }

  RowPack* packs_;
  float* scales_of_rows_;
  const T *x_, *y_gradient_, *sum_gradient_;
  const float* scales_;
};

/// dx = scale · (g·w - n · mean(g·w·n)) + d_sum, n = x · scale; each block sums g · n over its
/// share of the rows.
template <typename T, int kCount, int kPacks, int kRowWarps>
__global__ void __launch_bounds__(device::kThreads, kPacks == 1 ? 4 : 2)
    rms_norm_gradient_kernel(const T* x, const float* weight, const float* scales,
                             const T* y_gradient, const T* sum_gradient, std::int64_t rows,
                             std::int64_t width, T* x_gradient, float* partial) {
  extern __shared__ __align__(16) unsigned char memory[];
  const RowWarps<kRowWarps> warps;
  using Ahead = RowsAhead<T, kCount, kPacks>;
  Ahead ahead(memory, x, y_gradient, sum_gradient, scales);
  device::Pack<T, kCount> factor[kPacks];
  float weight_sum[kPacks][kCount] = {};
  const std::int64_t step = std::int64_t{gridDim.x} * warps.kRows;
  std::int64_t row = std::int64_t{blockIdx.x} * warps.kRows + warps.row;
#pragma unroll
  for (int turn = 0; turn < Ahead::kStages - 1; ++turn) {
    ahead.fetch(warps, turn, row + turn * step, rows, width);
  }
  warps.template for_packs<kPacks, kCount>(width, [&](std::int64_t column, int pack) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      factor[pack].value[i] = device::from_float<T>(weight[column + i]);
    }
  });
  for (int turn = 0; row - warps.row < rows; row += step, ++turn) {
    ahead.arrived();
    ahead.fetch(warps, turn + Ahead::kStages - 1, row + (Ahead::kStages - 1) * step, rows, width);
    const bool exists = row < rows;
    const float scale = ahead.scale(turn);
    float n[kPacks][kCount], g[kPacks][kCount];
    float sum = 0;
    if (exists) {
      warps.template for_packs<kPacks, kCount>(width, [&](std::int64_t, int pack) {
        ahead.x(turn, pack, n[pack]);
        ahead.y_gradient(turn, pack, g[pack]);
#pragma unroll
        for (int i = 0; i < kCount; ++i) {
          n[pack][i] *= scale;
          weight_sum[pack][i] = fmaf(g[pack][i], n[pack][i], weight_sum[pack][i]);
          g[pack][i] *= device::to_float(factor[pack].value[i]);
          sum = fmaf(g[pack][i], n[pack][i], sum);
        }
      });
    }
    const float mean = warps.sum(sum, turn) / static_cast<float>(width);
    if (!exists) continue;
    warps.template for_packs<kPacks, kCount>(width, [&](std::int64_t column, int pack) {
      float added[kCount] = {};
      if (ahead.has_sum_gradient()) ahead.sum_gradient(turn, pack, added);
#pragma unroll
      for (int i = 0; i < kCount; ++i) {
        added[i] += scale * fmaf(-n[pack][i], mean, g[pack][i]);
      }
      device::store(added, x_gradient + row * width + column);
    });
  }

  // One row of warps after the other, so that the order is always the same.
  __shared__ float sums[kPacks * kRowWarps * device::columns_of_warp(kCount)];
  for (int turn = 0; turn < warps.kRows; ++turn) {
    if (warps.row == turn) {
      warps.template for_packs<kPacks, kCount>(width, [&](std::int64_t column, int pack) {
#pragma unroll
        for (int i = 0; i < kCount; ++i) {
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

constexpr int kSumThreads = 1024;
constexpr int kSummedColumns = 32;

/// A block for 32 columns: each of its warps sums some of the rows, one of them the warps' sums.
__global__ void __launch_bounds__(kSumThreads)
    sum_partial_kernel(const float* partial, std::int64_t width, float* sums) {
  constexpr unsigned kRowLanes = kSumThreads / kSummedColumns;
  __shared__ float of_lane[kRowLanes][kSummedColumns];
  const unsigned lane = threadIdx.x % kSummedColumns, row_lane = threadIdx.x / kSummedColumns;
  const std::int64_t column = std::int64_t{blockIdx.x} * kSummedColumns + lane;
  float sum = 0;
  if (column < width) {
#pragma unroll
    for (unsigned first = 0; first < kRmsNormPartialRows; first += kRowLanes) {
      const unsigned row = first + row_lane;
      if (row < kRmsNormPartialRows) sum += partial[row * width + column];
    }
  }
  of_lane[row_lane][lane] = sum;
  __syncthreads();
  if (row_lane != 0 || column >= width) return;
  for (unsigned other = 1; other < kRowLanes; ++other) sum += of_lane[other][lane];
  sums[column] = sum;
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
      device::with_norm_shape<T>(width, {x, delta, sum, y},
                                 [&](auto count, auto packs, auto row_warps) {
                                   launch(&rms_norm_kernel<T, count(), packs(), row_warps()>,
                                          RowWarps<row_warps()>::kRows);
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
      with_access<T>(width, {x, y_gradient, sum_gradient, x_gradient}, [&](auto count) {
        with_row_shape</*kMost=*/1, count()>(width, [&](auto packs, auto row_warps) {
          const auto kernel = &rms_norm_gradient_kernel<T, count(), packs(), row_warps()>;
          constexpr int bytes = RowsAhead<T, count(), packs()>::kBytes;
          PARADIGM_CUDA_CHECK(
              cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
          kernel<<<kRmsNormPartialRows, device::kThreads, bytes, device::native(stream)>>>(
              from, weight, scale, g, added, rows, width, to, partial_weight_gradients);
        });
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

void rms_norm_weight_gradient(const float* partial, std::int64_t width, float* weight_gradient,
                              Stream stream) {
  if (width == 0) return;
  const auto blocks = static_cast<unsigned>((width + kSummedColumns - 1) / kSummedColumns);
  sum_partial_kernel<<<blocks, kSumThreads, 0, device::native(stream)>>>(partial, width,
                                                                         weight_gradient);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
