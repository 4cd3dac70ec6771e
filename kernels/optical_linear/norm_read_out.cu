// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/launch.cuh"
#include "kernels/optical_linear/raw_columns.cuh"
#include "kernels/rms_norm/norm_row.cuh"

#include <algorithm>

namespace kernels::cuda {
namespace {

template <int kCount, int kPacks, int kRowWarps>
__global__ void __launch_bounds__(device::kThreads)
    norm_read_out_kernel(const __half* raw, const __nv_bfloat16* x, const float* weight,
                         std::int64_t rows, std::int64_t width, float epsilon,
                         const __grid_constant__ device::ColumnsToRead columns, __nv_bfloat16* sums,
                         __nv_bfloat16* y, float* scales, int* extent) {
  device::ColumnReader<true> reader(columns);
  const device::RowWarps<kRowWarps> warps;
  device::ThreadRange seen;
  const auto add = [&](std::int64_t at, float(&value)[kCount]) {
    float code[kCount];
    reader.read(reinterpret_cast<const device::Pack<__half, kCount>*>(raw + at)->value,
                static_cast<std::uint64_t>(at), code);
#pragma unroll
    for (int i = 0; i < kCount; ++i) code[i] = reader.value(code[i]);
    device::round_to_bf16(code);
#pragma unroll
    for (int i = 0; i < kCount; ++i) value[i] += code[i];
    device::round_to_bf16(value);
    device::store(value, sums + at);
  };
  const std::int64_t step = std::int64_t{gridDim.x} * warps.kRows;
  int turn = 0;
  for (std::int64_t base = std::int64_t{blockIdx.x} * warps.kRows; base < rows; base += step) {
    device::norm_row<kPacks, kCount>(warps, x, weight, base + warps.row, rows, width, epsilon,
                                     turn++, add, y, scales, seen);
  }
  if (extent != nullptr) seen.accumulated().fold_into(extent);
  device::fold_and_update(reader.seen(), columns.columns.running, gridDim.x);
}

}  // namespace

bool can_read_out_norm(const RawColumns& columns) {
  return can_read_out_raw({&columns, 1}) && columns.how.noisy &&
         columns.cols <= device::kMostColumns;
}

void norm_read_out(const void* raw, const void* x, const float* weight, const RawColumns& columns,
                   std::int64_t rows, float epsilon, void* sum, void* y, float* scale,
                   ObservedRange extent, Stream stream) {
  if (!can_read_out_norm(columns)) throw CudaError("norm_read_out: columns that it does not take");
  if (rows == 0) return;
  device::with_norm_shape<__nv_bfloat16>(
      columns.cols, {raw, x, sum, y}, [&](auto count, auto packs, auto row_warps) {
        const std::int64_t rows_of_block = device::RowWarps<row_warps()>::kRows;
        const auto blocks = static_cast<unsigned>(
            std::min<std::int64_t>((rows + rows_of_block - 1) / rows_of_block, 132 * 4));
        norm_read_out_kernel<count(), packs(), row_warps()>
            <<<blocks, device::kThreads, 0, device::native(stream)>>>(
                static_cast<const __half*>(raw), static_cast<const __nv_bfloat16*>(x), weight, rows,
                columns.cols, epsilon, device::ColumnsToRead(columns),
                static_cast<__nv_bfloat16*>(sum), static_cast<__nv_bfloat16*>(y), scale, extent);
      });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
