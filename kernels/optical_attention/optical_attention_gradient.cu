// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/elements.cuh"
#include "kernels/optical_attention/attention_gradient.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::optical_attention;
using device::Bf16;

/// What the sweeps know of each query: its exponent, and delta = g · exact context, which is
/// sum(dP * P) over the keys. A warp for each row.
__global__ void row_kernel(AttentionExtent extent, HeadRows g, OpticalAttentionRows rows,
                           std::int64_t row_count, float2* result) {
  const std::int64_t row = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
  if (row >= row_count) return;
  const std::int64_t head = row / extent.queries;
  const auto* values =
      reinterpret_cast<const __nv_bfloat16*>(head_of(g, head / extent.heads, head % extent.heads)) +
      row % extent.queries * g.row_stride;
  const auto* const context =
      static_cast<const __nv_bfloat16*>(rows.exact_context) + row * extent.head_dim;
  float sum = 0;
  for (std::int64_t i = threadIdx.x % 32; i < extent.head_dim; i += 32) {
    sum += __bfloat162float(values[i]) * __bfloat162float(context[i]);
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(0xFFFFFFFFu, sum, distance);
  }
  if (threadIdx.x % 32 == 0) result[row] = make_float2(rows.exponent[row], sum);
}

/// Adds up what each head that shares a key gave to dk and dv: eight neighbours of a row a thread.
__global__ void sum_heads_kernel(AttentionExtent extent, ResultRows dk_of_heads,
                                 ResultRows dv_of_heads, ResultRows dk, ResultRows dv) {
  std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t eights = extent.keys * extent.head_dim / 8;
  if (i >= 2 * eights) return;
  const bool of_values = i >= eights;
  if (of_values) i -= eights;
  const std::int64_t key = i * 8 / extent.head_dim;
  const std::int64_t at = i * 8 % extent.head_dim;
  const std::int64_t shared = extent.heads / extent.kv_heads;
  float sum[8] = {};
  for (std::int64_t head = blockIdx.y * shared; head < (blockIdx.y + 1) * shared; ++head) {
    const auto eight = *reinterpret_cast<const device::Eight<__nv_bfloat16>*>(
        word_of(of_values ? dv_of_heads : dk_of_heads, blockIdx.z, head, key, at));
#pragma unroll
    for (int j = 0; j < 8; ++j) sum[j] += device::to_float(eight.value[j]);
  }
  std::uint32_t* const result = word_of(of_values ? dv : dk, blockIdx.z, blockIdx.y, key, at);
#pragma unroll
  for (int j = 0; j < 4; ++j) result[j] = Bf16::pack(sum[2 * j], sum[2 * j + 1]);
}

/// Heads that a block of the last sweep takes. Few blocks, of which the longest sees all queries,
/// leave most of the device idle: then each takes one head, and the shares are summed afterwards.
std::int64_t heads_of_block(const AttentionExtent& extent) {
  constexpr std::int64_t kEnoughBlocks = 1000;
  const std::int64_t blocks = tiles_of(extent.keys) * extent.kv_heads * extent.batch;
  return blocks < kEnoughBlocks && optical_attention_is_one_chunk(extent)
             ? 1
             : extent.heads / extent.kv_heads;
}

bool sums_heads(const AttentionExtent& extent) {
  return heads_of_block(extent) < extent.heads / extent.kv_heads;
}

std::int64_t row_bytes(const AttentionExtent& extent) {
  return (extent.batch * extent.heads * extent.queries * 8 + 15) / 16 * 16;
}

}  // namespace

std::int64_t optical_attention_gradient_bytes(const AttentionExtent& extent) {
  const std::int64_t row = extent.batch * extent.keys * extent.head_dim;
  const std::int64_t shares = sums_heads(extent) ? 2 * row * extent.heads * 2 : 0;
  const std::int64_t carried =
      optical_attention_is_one_chunk(extent) ? 0 : 2 * row * extent.kv_heads * 4;
  return row_bytes(extent) + shares + carried;
}

void optical_attention_gradient(const OpticalAttention& how, const AttentionCodes& codes,
                                const HeadRows& quantised_q, const HeadRows& quantised_k,
                                const HeadRows& q, const HeadRows& k, const HeadRows& v,
                                const HeadRows& g, const OpticalAttentionRows& rows, void* scratch,
                                const ResultRows& dq, const ResultRows& dk, const ResultRows& dv,
                                Stream stream) {
  const AttentionExtent& extent = how.extent;
  const cudaStream_t native = device::native(stream);
  auto* const row_values = static_cast<float2*>(scratch);
  const std::int64_t row_count = extent.batch * extent.heads * extent.queries;
  constexpr int kRowsOfBlock = kThreads / 32;
  row_kernel<<<static_cast<unsigned>((row_count + kRowsOfBlock - 1) / kRowsOfBlock), kThreads, 0,
               native>>>(extent, g, rows, row_count, row_values);
  PARADIGM_CUDA_CHECK(cudaGetLastError());

  // Behind them: either the shares of heads or the sums that chunks carry.
  auto* const behind = static_cast<unsigned char*>(scratch) + row_bytes(extent);
  const std::int64_t heads = heads_of_block(extent);
  const bool sums = sums_heads(extent);
  const std::int64_t head_elements = extent.keys * extent.head_dim;
  const auto share_rows = [&](std::int64_t which) {
    return ResultRows{behind + which * extent.batch * extent.heads * head_elements * 2,
                      extent.heads * head_elements, head_elements, extent.head_dim};
  };
  const ResultRows dk_of_block = sums ? share_rows(0) : dk;
  const ResultRows dv_of_block = sums ? share_rows(1) : dv;
  CarriedSums carried;
  carried.dk = reinterpret_cast<float*>(behind);
  carried.dv = carried.dk + extent.batch * extent.kv_heads * head_elements;
  const GradientOperands operands{quantised_q, quantised_k, q, k, v, g, row_values};
  for_chunks(extent, [&](const QueryChunk& chunk, bool is_first, bool is_last) {
    const CodeTiles tiles(how, chunk, codes);
    if (tiles.first_of_rest < tiles.end) {
      const QueryChunk rest{tiles.first_of_rest, tiles.end - tiles.first_of_rest};
      read_out_scores_again(how, rest, quantised_q, quantised_k, tiles, stream);
    }
    sweep_queries(how, chunk, tiles, operands, dq, stream);
    carried.takes = !is_first;
    carried.leaves = !is_last;
    sweep_keys(how, chunk, tiles, operands, heads, carried, dk_of_block, dv_of_block, stream);
  });
  if (!sums) return;
  const dim3 grid(static_cast<unsigned>((2 * head_elements / 8 + kThreads - 1) / kThreads),
                  static_cast<unsigned>(extent.kv_heads), static_cast<unsigned>(extent.batch));
  sum_heads_kernel<<<grid, kThreads, 0, native>>>(extent, dk_of_block, dv_of_block, dk, dv);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
