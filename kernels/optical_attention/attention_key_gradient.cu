// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/optical_attention/attention_gradient.cuh"

namespace kernels::optical_attention {
namespace {

using device::Bf16;
using device::Fp16;

constexpr int kBlocks = 3;  ///< on one multiprocessor

/// The lane's part of a tile, transposed: rows are keys, columns are queries. A lane has keys 2g
/// and 2g + 1 of its warp's 16 as rows g and g + 8, and queries 2t, 2t + 1 of each eight.
struct LaneKeys {
  int first;  ///< in the tile
  int key;    ///< of four that share a pair of codes, it and the next are the lane's
  int pair;   ///< the first in a tile of codes

  __device__ LaneKeys()
      : first(threadIdx.x / 32 * 16 + 2 * (threadIdx.x % 32 / 4)),
        key(first % 4),
        pair(pair_place(2 * (threadIdx.x % 4), first / 4)) {}
};

/// Some queries of a tile, from `from` on: dv += P^T g and dk += dS^T q / scale. `codes`: of the
/// lane's keys, from the tile's first pair of rows on; `rows`: exponent and delta of each query of
/// the tile.
template <int head_dim, bool clip, bool masked, typename Code>
__device__ void add_queries(const OpticalAttention& how, const Softmax& softmax,
                            const CodePair<Code>* codes, const LaneKeys& lane, int from,
                            const RowFragments<head_dim>& keys,
                            const RowFragments<head_dim>& values,
                            const Tile<head_dim>& quantised_queries, const Tile<head_dim>& queries,
                            const Tile<head_dim>& gradients, const float2* rows,
                            std::int64_t first_query, std::int64_t first_key,
                            float (&k_sum)[head_dim / 8][4], float (&v_sum)[head_dim / 8][4]) {
  constexpr int kGroups = kColumnsAtOnce<clip> / 16;
  const AttentionExtent& extent = how.extent;
  const int column = 2 * (threadIdx.x % 4);
  float d_score[kColumnsAtOnce<clip> / 8][4];  // dP at first
  multiply_by_rows<Bf16>(values, gradients, from, d_score);
  float raw[kColumnsAtOnce<clip> / 8][4];
  if constexpr (clip) multiply_by_rows<Fp16>(keys, quantised_queries, from, raw);
  std::uint32_t p_weights[kGroups][4], ds_weights[kGroups][4];
#pragma unroll
  for (int group = 0; group < kGroups; ++group) {
    const CodePair<Code>* const of_group = codes + (from / 16 + group) * kPairsOfRowGroup;
    const CodePair<Code> pair[2] = {of_group[0], of_group[kPairsOfRow]};
    float probability[2][4];
#pragma unroll
    for (int eight = 0; eight < 2; ++eight) {
      const int at_query = from + 16 * group + 8 * eight + column;
      const float4 both = *reinterpret_cast<const float4*>(rows + at_query);
#pragma unroll
      for (int at = 0; at < 4; ++at) {
        const int b = at % 2;
        float& p = probability[eight][at];
        float& ds = d_score[2 * group + eight][at];
        p = softmax.power(pair[b].get(eight, lane.key + at / 2, kLift), b == 0 ? both.x : both.z);
        ds = p * (ds - (b == 0 ? both.y : both.w));
        if constexpr (clip) {
          if (ScoreClip(how).cuts(raw[2 * group + eight][at])) ds = 0.0f;
        }
        if constexpr (masked) {
          const std::int64_t query = first_query + at_query + b;
          const std::int64_t key = first_key + lane.first + at / 2;
          if (query >= extent.queries || key > query + extent.keys - extent.queries ||
              key >= extent.keys) {
            p = ds = 0.0f;
          }
        }
      }
    }
    pack_weights<Bf16>(probability[0], probability[1], p_weights[group]);
    pack_weights<Bf16>(d_score[2 * group], d_score[2 * group + 1], ds_weights[group]);
  }
  start_weighted_rows<Bf16>(p_weights, gradients, from, v_sum);
  start_weighted_rows<Bf16>(ds_weights, queries, from, k_sum);
  finish_weighted_rows(v_sum, p_weights);
  finish_weighted_rows(k_sum, ds_weights);
}

/// dk and dv, one tile of keys against all queries that see it, of `heads` heads that share it.
template <int head_dim, bool clip, typename Code>
__global__ void __launch_bounds__(kThreads, kBlocks)
    key_gradient_kernel(OpticalAttention how, QueryChunk chunk, CodeTiles codes,
                        GradientOperands operands, std::int64_t heads, CarriedSums carried,
                        ResultRows dk, ResultRows dv) {
  extern __shared__ unsigned char memory[];
  const std::uint32_t base = first_tile_address(memory);
  const AttentionExtent& extent = how.extent;
  const std::int64_t batch = blockIdx.y;
  const std::int64_t first_head = blockIdx.x * heads;
  const std::int64_t kv_head = first_head * extent.kv_heads / extent.heads;
  const std::int64_t first_key = std::int64_t{blockIdx.z} * kRows;
  const std::int64_t offset = extent.keys - extent.queries;
  const Softmax softmax(how);

  const Tile<head_dim> v_tile(base);
  const auto query_tile = [&](int tile) { return v_tile.after(1 + tile % 2); };
  const auto gradient_tile = [&](int tile) { return v_tile.after(3 + tile % 2); };
  constexpr int kFirstCodes = 5 * Tile<head_dim>::kBytes;
  constexpr int kCodeBytes = kTileCodes * static_cast<int>(sizeof(Code));
  constexpr int kFirstRows = kFirstCodes + 2 * kCodeBytes;
  constexpr int kRowBytes = kRows * static_cast<int>(sizeof(float2));
  // With `clip` alone.
  const Tile<head_dim> k_tile(base + kFirstRows + 2 * kRowBytes);
  const auto quantised_tile = [&](int tile) { return k_tile.after(1 + tile % 2); };
  const unsigned char* const begin = memory + (base - device::shared_address(memory));

  // Query tiles that see a key of this tile, of one head; heads follow one another.
  const std::int64_t first_seeing = max(first_key - offset, std::int64_t{0});
  const int first_tile = static_cast<int>(max(first_seeing / kRows, chunk.first_tile));
  const int tiles_of_head = max(static_cast<int>(chunk.first_tile + chunk.tiles) - first_tile, 0);
  const int tiles = tiles_of_head * static_cast<int>(heads);
  // Of those, the ones that exist as a whole and see all of this tile.
  const int first_simple =
      first_key + kRows > extent.keys
          ? first_tile + tiles_of_head
          : static_cast<int>(tiles_of(max(first_key + kRows - 1 - offset, std::int64_t{0})));
  const int last_simple = static_cast<int>(extent.queries / kRows) - 1;

  using Queries = TileStream<head_dim, Order::kAsIs>;
  const auto queries_of = [&](const HeadRows& matrix, std::int64_t head) {
    return Queries(head_of(matrix, batch, head), matrix.row_stride,
                   std::int64_t{first_tile} * kRows, extent.queries);
  };
  std::int64_t next_head = first_head;
  int next_tile = first_tile;
  Queries q_rows = queries_of(operands.q, next_head), g_rows = queries_of(operands.g, next_head),
          quantised_rows = queries_of(operands.quantised_q, next_head);
  const auto codes_of = [&](std::int64_t head, std::int64_t query_tile) {
    return codes.row<const Code>(batch * extent.heads + head, query_tile) +
           std::int64_t{blockIdx.z} * kTileCodes;
  };
  const auto load = [&](int tile) {
    if (tile < tiles) {
      if (next_tile == first_tile + tiles_of_head) {
        next_tile = first_tile;
        ++next_head;
        q_rows = queries_of(operands.q, next_head);
        g_rows = queries_of(operands.g, next_head);
        if constexpr (clip) quantised_rows = queries_of(operands.quantised_q, next_head);
      }
      q_rows.load(query_tile(tile));
      g_rows.load(gradient_tile(tile));
      if constexpr (clip) quantised_rows.load(quantised_tile(tile));
      const auto* const next_codes =
          reinterpret_cast<const unsigned char*>(codes_of(next_head, next_tile));
      const std::uint32_t codes_to = base + kFirstCodes + tile % 2 * kCodeBytes;
#pragma unroll
      for (int i = 0; i < kCodeBytes; i += kThreads * 16) {
        const int at = i + threadIdx.x * 16;
        device::copy_async(codes_to + at, next_codes + at);
      }
      if (threadIdx.x < kRows) {
        const std::int64_t query = std::int64_t{next_tile} * kRows + threadIdx.x;
        const bool exists = query < extent.queries;
        const std::int64_t row = (batch * extent.heads + next_head) * extent.queries;
        device::copy_pair_async(base + kFirstRows + tile % 2 * kRowBytes + threadIdx.x * 8,
                                operands.rows + (exists ? row + query : 0), exists);
      }
      ++next_tile;
    }
    device::commit_copies();
  };

  const auto keys_of = [&](const HeadRows& matrix) {
    return TileStream<head_dim, Order::kPairs>(head_of(matrix, batch, kv_head), matrix.row_stride,
                                               first_key, extent.keys);
  };
  keys_of(operands.v).load(v_tile);
  if constexpr (clip) keys_of(operands.quantised_k).load(k_tile);
  load(0);

  const LaneKeys lane;
  float k_sum[head_dim / 8][4] = {};
  float v_sum[head_dim / 8][4] = {};
  const int column = 2 * (threadIdx.x % 4);
  // Calls work(half, n, key) for all pairs of sums that the lane holds.
  const auto for_sums = [&](const auto& work) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int64_t key = first_key + lane.first + half;
      if (key >= extent.keys) continue;
#pragma unroll
      for (int n = 0; n < head_dim / 8; ++n) work(half, n, key);
    }
  };
  const std::int64_t carried_row = (batch * gridDim.x + blockIdx.x) * extent.keys;
  const auto carried_at = [&](float* sums, int n, std::int64_t key) {
    return reinterpret_cast<float2*>(sums + (carried_row + key) * head_dim + 8 * n + column);
  };
  if (carried.takes) {
    for_sums([&](int half, int n, std::int64_t key) {
      const float2 k_pair = *carried_at(carried.dk, n, key);
      const float2 v_pair = *carried_at(carried.dv, n, key);
      k_sum[n][2 * half] = k_pair.x;
      k_sum[n][2 * half + 1] = k_pair.y;
      v_sum[n][2 * half] = v_pair.x;
      v_sum[n][2 * half + 1] = v_pair.y;
    });
  }
  RowFragments<head_dim> keys, values;
  int tile_of_queries = first_tile;
  for (int tile = 0; tile < tiles; ++tile) {
    wait_for_tiles();
    if (tile == 0) {
      values.load(v_tile);
      if constexpr (clip) keys.load(k_tile);
    }
    const std::int64_t first_query = std::int64_t{tile_of_queries} * kRows;
    load(tile + 1);
    const auto* const tile_codes =
        reinterpret_cast<const CodePair<Code>*>(begin + kFirstCodes + tile % 2 * kCodeBytes) +
        lane.pair;
    const auto* const tile_rows =
        reinterpret_cast<const float2*>(begin + kFirstRows + tile % 2 * kRowBytes);
    const bool is_simple = tile_of_queries >= first_simple && tile_of_queries <= last_simple;
#pragma unroll 1
    for (int from = 0; from < kRows; from += kColumnsAtOnce<clip>) {
      if (is_simple) {
        add_queries<head_dim, clip, false>(
            how, softmax, tile_codes, lane, from, keys, values, quantised_tile(tile),
            query_tile(tile), gradient_tile(tile), tile_rows, first_query, first_key, k_sum, v_sum);
      } else {
        add_queries<head_dim, clip, true>(
            how, softmax, tile_codes, lane, from, keys, values, quantised_tile(tile),
            query_tile(tile), gradient_tile(tile), tile_rows, first_query, first_key, k_sum, v_sum);
      }
    }
    if (++tile_of_queries == first_tile + tiles_of_head) tile_of_queries = first_tile;
  }

  for_sums([&](int half, int n, std::int64_t key) {
    const float2 k_pair = make_float2(k_sum[n][2 * half], k_sum[n][2 * half + 1]);
    const float2 v_pair = make_float2(v_sum[n][2 * half], v_sum[n][2 * half + 1]);
    if (carried.leaves) {
      *carried_at(carried.dk, n, key) = k_pair;
      *carried_at(carried.dv, n, key) = v_pair;
    } else {
      const int at = 8 * n + column;
      *word_of(dk, batch, blockIdx.x, key, at) =
          Bf16::pack(how.scale * k_pair.x, how.scale * k_pair.y);
      *word_of(dv, batch, blockIdx.x, key, at) = Bf16::pack(v_pair.x, v_pair.y);
    }
  });
}

}  // namespace

void sweep_keys(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
                const GradientOperands& operands, std::int64_t heads, const CarriedSums& carried,
                const ResultRows& dk, const ResultRows& dv, Stream stream) {
  const AttentionExtent& extent = how.extent;
  // First the keys that most queries see: the last blocks to start are then the shortest.
  const dim3 grid(static_cast<unsigned>(extent.heads / heads), static_cast<unsigned>(extent.batch),
                  static_cast<unsigned>(tiles_of(extent.keys)));
  with_gradient_case(how, [&](auto code, auto head_dim, auto clip) {
    using Code = decltype(code);
    constexpr int kBytes = (clip ? 8 : 5) * Tile<head_dim>::kBytes +
                           2 * kTileCodes * static_cast<int>(sizeof(Code)) +
                           2 * kRows * static_cast<int>(sizeof(float2)) + kTileAlignment;
    const auto kernel = &key_gradient_kernel<head_dim, clip, Code>;
    PARADIGM_CUDA_CHECK(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
    kernel<<<grid, kThreads, kBytes, device::native(stream)>>>(how, chunk, codes, operands, heads,
                                                               carried, dk, dv);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::optical_attention
