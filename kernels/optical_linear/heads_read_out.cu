// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/launch.cuh"
#include "kernels/device/rows.cuh"
#include "kernels/optical_linear/raw_columns.cuh"
#include "kernels/rotary/turned.cuh"

#include <algorithm>

namespace kernels::cuda {
namespace {

struct Heads {
  device::ColumnsToRead read;
  std::uint32_t first_column;
  std::uint32_t parts_of_row;  ///< fours in the first halves of all heads
  bool turn;
  __nv_bfloat16* to;
};
struct Operands {
  Heads all[3];
};

/// A row of blocks for each operand; a thread takes four neighbours of both halves of a head.
template <bool noisy>
__global__ void __launch_bounds__(device::kThreads, 4)
    heads_read_out_kernel(const __half* raw, std::uint32_t rows, std::uint32_t width,
                          std::uint32_t sequence, std::uint32_t half, const float* cos,
                          const float* sin, const __grid_constant__ Operands operands) {
  const Heads& heads = operands.all[blockIdx.y];
  device::ColumnReader<noisy> reader(heads.read);
  const std::uint32_t parts_of_half = half / 4;
  const std::uint32_t parts = rows * heads.parts_of_row;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < parts;
       i += gridDim.x * blockDim.x) {
    const std::uint32_t row = i / heads.parts_of_row;
    const std::uint32_t part = i - row * heads.parts_of_row;
    const std::uint32_t head = part / parts_of_half;
    const std::uint32_t j = (part - head * parts_of_half) * 4;
    const std::uint32_t column = head * 2 * half + j;
    const __half* const from = raw + std::uint64_t{row} * width + heads.first_column + column;
    const std::uint64_t element = std::uint64_t{row} * heads.parts_of_row * 8 + column;
    float value[2][4];
#pragma unroll
    for (int part_of_head = 0; part_of_head < 2; ++part_of_head) {
      const auto four = *reinterpret_cast<const device::Four<__half>*>(from + part_of_head * half);
      float code[4];
      reader.read(four.value, element + part_of_head * half, code);
#pragma unroll
      for (int k = 0; k < 4; ++k) value[part_of_head][k] = reader.value(code[k]);
      device::round_to_bf16(value[part_of_head]);
    }
    if (heads.turn) {
      const std::uint32_t table = row % sequence * half + j;
      float c[4], s[4];
      device::load(cos + table, c);
      device::load(sin + table, s);
#pragma unroll
      for (int k = 0; k < 4; ++k) device::turn(c[k], s[k], value[0][k], value[1][k]);
    }
    device::store(value[0], heads.to + element);
    device::store(value[1], heads.to + element + half);
  }
  device::fold_and_update(reader.seen(), heads.read.columns.running, gridDim.x);
}

}  // namespace

bool can_read_out_heads(std::span<const RawColumns> qkv, const QkvShape& shape) {
  return qkv.size() == 3 && can_read_out_raw(qkv) && shape.half % 4 == 0 &&
         qkv[0].cols == shape.heads * 2 * shape.half &&
         qkv[1].cols == shape.kv_heads * 2 * shape.half && qkv[2].cols == qkv[1].cols;
}

void heads_read_out(const void* raw, std::span<const RawColumns> qkv, const QkvShape& shape,
                    const float* cos, const float* sin, void* q, void* k, void* v, Stream stream) {
  if (!can_read_out_heads(qkv, shape)) {
    throw CudaError("heads_read_out: columns that it does not take");
  }
  const std::int64_t rows = shape.batch * shape.sequence;
  if (rows == 0) return;
  const auto q_cols = static_cast<std::uint32_t>(qkv[0].cols);
  const auto kv_cols = static_cast<std::uint32_t>(qkv[1].cols);
  const auto to = [](void* data) { return static_cast<__nv_bfloat16*>(data); };
  const Operands operands{
      {{device::ColumnsToRead(qkv[0]), 0, q_cols / 8, true, to(q)},
       {device::ColumnsToRead(qkv[1]), q_cols, kv_cols / 8, true, to(k)},
       {device::ColumnsToRead(qkv[2]), q_cols + kv_cols, kv_cols / 8, false, to(v)}}};
  const dim3 grid(device::grid_that_meets(rows * q_cols / 8), 3);
  const auto kernel =
      qkv[0].how.noisy ? &heads_read_out_kernel<true> : &heads_read_out_kernel<false>;
  kernel<<<grid, device::kThreads, 0, device::native(stream)>>>(
      static_cast<const __half*>(raw), static_cast<std::uint32_t>(rows), q_cols + 2 * kv_cols,
      static_cast<std::uint32_t>(shape.sequence), static_cast<std::uint32_t>(shape.half), cos, sin,
      operands);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
