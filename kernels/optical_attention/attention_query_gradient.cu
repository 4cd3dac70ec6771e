// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/optical_attention/attention_gradient.cuh"

namespace kernels::optical_attention {
namespace {

using device::Bf16;
using device::Fp16;

constexpr int kBlocks = 4;  ///< on one multiprocessor

/// One tile of keys: sum += dS / scale k.
template <int head_dim, bool clip, bool masked, typename Code>
__device__ void add_tile(const OpticalAttention& how, const Softmax& softmax,
                         const PairStream<Code>& codes, const RowFragments<head_dim>& queries,
                         const RowFragments<head_dim>& gradients,
                         const Tile<head_dim>& quantised_keys, const Tile<head_dim>& keys,
                         const Tile<head_dim>& values, const LaneRows& lane,
                         const float2 (&rows)[2], float (&sum)[head_dim / 8][4]) {
#pragma unroll
  for (int first = 0; first < kRows; first += kColumnsAtOnce<clip>) {
    float d_score[kColumnsAtOnce<clip> / 8][4];  // dP at first
    multiply_by_rows<Bf16>(gradients, values, first, d_score);
    float raw[kColumnsAtOnce<clip> / 8][4];
    if constexpr (clip) multiply_by_rows<Fp16>(queries, quantised_keys, first, raw);
    std::uint32_t weights[kColumnsAtOnce<clip> / kGroup][4];
#pragma unroll
    for (int group = 0; group < kColumnsAtOnce<clip> / kGroup; ++group) {
      const CodePair<Code>& pair = codes.group[first / kGroup + group];
#pragma unroll
      for (int eight = 0; eight < 2; ++eight) {
#pragma unroll
        for (int at = 0; at < 4; ++at) {
          const int key = 2 * eight + at % 2;
          float& ds = d_score[2 * group + eight][at];
          const float2 row = rows[at / 2];
          ds = softmax.power(pair.get(at / 2, key, softmax.lift), row.x) * (ds - row.y);
          if (masked && first + kGroup * group + key >= lane.visible[at / 2]) ds = 0.0f;
          if constexpr (clip) {
            if (ScoreClip(how).cuts(raw[2 * group + eight][at])) ds = 0.0f;
          }
        }
      }
      pack_weights<Bf16>(d_score[2 * group], d_score[2 * group + 1], weights[group]);
    }
    add_weighted_rows<Bf16>(weights, keys, first, sum);
  }
}

/// dq, one tile of queries against all visible keys.
template <int head_dim, bool clip, typename Code>
__global__ void __launch_bounds__(kThreads, kBlocks)
    query_gradient_kernel(OpticalAttention how, QueryChunk chunk, CodeTiles codes,
                          GradientOperands operands, ResultRows dq) {
  extern __shared__ unsigned char memory[];
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.y, blockIdx.x);
  const std::int64_t tile_of_queries = query_tile_of_block(chunk);
  const std::int64_t first_query = tile_of_queries * kRows;
  const Softmax softmax(how);
  const int tiles = visible_tiles(extent, first_query);
  const int simple_tiles = wholly_visible_tiles(extent, first_query);

  const Tile<head_dim> g_tile(first_tile_address(memory));
  const auto key_tile = [&](int tile) { return g_tile.after(1 + tile % 2); };
  const auto value_tile = [&](int tile) { return g_tile.after(3 + tile % 2); };
  // With `clip` alone.
  const Tile<head_dim> q_tile = g_tile.after(5);
  const auto quantised_tile = [&](int tile) { return g_tile.after(6 + tile % 2); };
  const auto keys_of = [&](const HeadRows& matrix) {
    return TileStream<head_dim, Order::kQuads>(head_of(matrix, head.batch, head.kv_head),
                                               matrix.row_stride, 0, extent.keys);
  };
  const auto queries_of = [&](const HeadRows& matrix) {
    return TileStream<head_dim, Order::kAsIs>(head_of(matrix, head.batch, head.head),
                                              matrix.row_stride, first_query, extent.queries);
  };
  auto keys = keys_of(operands.k), values = keys_of(operands.v),
       quantised_keys = keys_of(operands.quantised_k);
  const auto load = [&](int tile) {
    if (tile < tiles) {
      keys.load(key_tile(tile));
      values.load(value_tile(tile));
      if constexpr (clip) quantised_keys.load(quantised_tile(tile));
    }
    device::commit_copies();
  };

  queries_of(operands.g).load(g_tile);
  if constexpr (clip) queries_of(operands.quantised_q).load(q_tile);
  load(0);
  LaneRows lane;
  float2 rows[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    rows[half] = query < extent.queries ? operands.rows[head.row + query] : make_float2(0, 0);
  }

  RowFragments<head_dim> queries, gradients;
  float sum[head_dim / 8][4] = {};
  PairStream<Code> tile_codes(
      codes.row<const Code>(head.batch * extent.heads + head.head, tile_of_queries));
  for (int tile = 0; tile < tiles; ++tile) {
    tile_codes.load();
    wait_for_tiles();
    if (tile == 0) {
      gradients.load(g_tile);
      if constexpr (clip) queries.load(q_tile);
    }
    load(tile + 1);
    if (tile < simple_tiles) {
      add_tile<head_dim, clip, false>(how, softmax, tile_codes, queries, gradients,
                                      quantised_tile(tile), key_tile(tile), value_tile(tile), lane,
                                      rows, sum);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      add_tile<head_dim, clip, true>(how, softmax, tile_codes, queries, gradients,
                                     quantised_tile(tile), key_tile(tile), value_tile(tile), lane,
                                     rows, sum);
    }
  }

  const int column = 2 * (threadIdx.x % 4);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    if (query >= extent.queries) continue;
#pragma unroll
    for (int n = 0; n < head_dim / 8; ++n) {
      *word_of(dq, head.batch, head.head, query, 8 * n + column) =
          Bf16::pack(how.scale * sum[n][2 * half], how.scale * sum[n][2 * half + 1]);
    }
  }
}

}  // namespace

void sweep_queries(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
                   const GradientOperands& operands, const ResultRows& dq, Stream stream) {
  with_gradient_case(how, [&](auto code, auto head_dim, auto clip) {
    using Code = decltype(code);
    constexpr int kBytes = (clip ? 8 : 5) * Tile<head_dim>::kBytes + kTileAlignment;
    const auto kernel = &query_gradient_kernel<head_dim, clip, Code>;
    PARADIGM_CUDA_CHECK(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
    kernel<<<query_grid(how.extent, chunk), kThreads, kBytes, device::native(stream)>>>(
        how, chunk, codes, operands, dq);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::optical_attention
