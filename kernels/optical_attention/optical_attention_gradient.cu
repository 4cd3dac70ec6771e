// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/elements.cuh"
#include "kernels/optical_attention/attention_codes.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::optical_attention;
using device::Bf16;
using device::Fp16;

/// delta = g · exact context, which is sum(dP * P) over the keys. A warp for each row.
__global__ void delta_kernel(AttentionExtent extent, HeadRows g, const float* exact_context,
                             std::int64_t rows, float* delta) {
  const std::int64_t row = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
  if (row >= rows) return;
  const std::int64_t head = row / extent.queries;
  const auto* values =
      reinterpret_cast<const __nv_bfloat16*>(head_of(g, head / extent.heads, head % extent.heads)) +
      row % extent.queries * g.row_stride;
  float sum = 0;
  for (std::int64_t i = threadIdx.x % 32; i < extent.head_dim; i += 32) {
    sum += __bfloat162float(values[i]) * exact_context[row * extent.head_dim + i];
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(0xFFFFFFFFu, sum, distance);
  }
  if (threadIdx.x % 32 == 0) delta[row] = sum;
}

/// Where dS is 0 because the raw score was outside its range; only with clipped gradients.
struct ScoreClip {
  float lo, hi;

  __device__ explicit ScoreClip(const OpticalAttention& how)
      : lo(how.qk_range[0]), hi(how.qk_range[1]) {}

  __device__ bool cuts(float product) const { return product < lo || product > hi; }
};

/// One tile of keys: dq += dS k.
template <int head_dim, bool clip, bool masked, typename Code>
__device__ void add_query_gradient(
    const OpticalAttention& how, const Softmax& softmax, const CodeTile<Code>& codes,
    const QueryFragments<head_dim>& queries, const QueryFragments<head_dim>& gradients,
    const Tile<head_dim, Spread::kKeys>& quantised_keys, const Tile<head_dim, Spread::kKeys>& keys,
    const Tile<head_dim, Spread::kKeys>& values, const LaneRows& lane, const float (&top_code)[2],
    const float (&reciprocal)[2], const float (&delta)[2], float (&sum)[head_dim / 8][4]) {
#pragma unroll
  for (int group = 0; group < kRows / kGroup; ++group) {
    const CodePair<Code> pair = codes.pair(pair_place(lane.row, 4 * group + threadIdx.x % 4));
    float score[2][4], d_probability[2][4];
    if constexpr (clip) multiply_by_keys<head_dim, Fp16>(queries, quantised_keys, group, score);
    multiply_by_keys<head_dim, Bf16>(gradients, values, group, d_probability);
    float d_score[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float code[4], dp[4], product[4];
      pair.get(half, code);
      take_four(d_probability, half, dp);
      if constexpr (clip) take_four(score, half, product);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float p = softmax.exponential(code[i], top_code[half]) * reciprocal[half];
        d_score[half][i] = how.scale * (p * (dp[i] - delta[half]));
        if (masked && kGroup * group + i >= lane.visible[half]) d_score[half][i] = 0.0f;
        if constexpr (clip) {
          if (ScoreClip(how).cuts(product[i])) d_score[half][i] = 0.0f;
        }
      }
    }
    const std::uint32_t weights[4] = {
        Bf16::pack(d_score[0][0], d_score[0][1]), Bf16::pack(d_score[1][0], d_score[1][1]),
        Bf16::pack(d_score[0][2], d_score[0][3]), Bf16::pack(d_score[1][2], d_score[1][3])};
    add_weighted_rows<head_dim, Bf16>(weights, keys, group, sum);
  }
}

__device__ inline std::uint32_t* word_of(const ResultRows& rows, std::int64_t batch,
                                         std::int64_t head, std::int64_t row, std::int64_t at) {
  auto* const data = static_cast<std::uint16_t*>(rows.data) + batch * rows.batch_stride +
                     head * rows.head_stride + row * rows.row_stride + at;
  return reinterpret_cast<std::uint32_t*>(data);
}

/// dq, one tile of queries against all visible keys.
template <int head_dim, bool clip, typename Code>
__global__ void __launch_bounds__(kThreads, kBlocksOfQueryGradient)
    query_gradient_kernel(OpticalAttention how, QueryChunk chunk, const Code* codes,
                          HeadRows quantised_q, HeadRows quantised_k, HeadRows k, HeadRows v,
                          HeadRows g, OpticalAttentionRows rows, const float* delta,
                          ResultRows dq) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int kBytes = kRows * head_dim * 2;
  const std::uint32_t base = device::shared_address(memory);
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.z, blockIdx.y);
  const std::int64_t tile_of_queries = query_tile_of_block(chunk);
  const std::int64_t first_query = tile_of_queries * kRows;
  const std::uint16_t* keys = head_of(quantised_k, head.batch, head.kv_head);
  const std::uint16_t* exact_k = head_of(k, head.batch, head.kv_head);
  const std::uint16_t* exact_v = head_of(v, head.batch, head.kv_head);
  const Softmax softmax(how);
  const int tiles = visible_tiles(extent, first_query);
  const std::int64_t row_codes =
      CodeTiles(extent, chunk)
          .first_code(head.batch * extent.heads + head.head, tile_of_queries, 0);

  const Tile<head_dim, Spread::kQueries> g_tile{base};
  const auto key_tile = [&](int which, int stage) {
    return Tile<head_dim, Spread::kKeys>{base + (1 + 2 * which + stage) * kBytes};
  };
  const auto code_tile = [&](int stage) {
    return CodeTile<Code>{memory + 5 * kBytes + stage * CodeTile<Code>::kBytes};
  };
  // Read with `clip` alone.
  const std::uint32_t products = base + 5 * kBytes + 2 * CodeTile<Code>::kBytes;
  const Tile<head_dim, Spread::kQueries> q_tile{products};
  const auto quantised_tile = [&](int stage) {
    return Tile<head_dim, Spread::kKeys>{products + (1 + stage) * kBytes};
  };
  const auto load = [&](int tile) {
    if (tile < tiles) {
      const std::int64_t first = std::int64_t{tile} * kRows;
      code_tile(tile % 2).load(codes, row_codes + std::int64_t{tile} * kTileCodes);
      key_tile(0, tile % 2).load(exact_k, k.row_stride, first, kRows, extent.keys);
      key_tile(1, tile % 2).load(exact_v, v.row_stride, first, kRows, extent.keys);
      if constexpr (clip) {
        quantised_tile(tile % 2).load(keys, quantised_k.row_stride, first, kRows, extent.keys);
      }
    }
    device::commit_copies();
  };

  g_tile.load(head_of(g, head.batch, head.head), g.row_stride, first_query, kRows, extent.queries);
  if constexpr (clip) {
    q_tile.load(head_of(quantised_q, head.batch, head.head), quantised_q.row_stride, first_query,
                kRows, extent.queries);
  }
  load(0);

  LaneRows lane;
  float top_code[2], reciprocal[2], row_delta[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    const std::int64_t row = head.row + query;
    const bool exists = query < extent.queries;
    top_code[half] = (exists ? rows.greatest[row] : 0.0f) + kLift;
    reciprocal[half] = exists ? rows.reciprocal_sum[row] : 0.0f;
    row_delta[half] = exists ? delta[row] : 0.0f;
  }

  QueryFragments<head_dim> queries, gradients;
  float sum[head_dim / 8][4] = {};
  for (int tile = 0; tile < tiles; ++tile) {
    load(tile + 1);
    device::wait_for_copies<1>();
    __syncthreads();
    if (tile == 0) {
      gradients.load(g_tile);
      if constexpr (clip) queries.load(q_tile);
    }
    const int stage = tile % 2;
    if (sees_all(extent, first_query, std::int64_t{tile} * kRows)) {
      add_query_gradient<head_dim, clip, false>(
          how, softmax, code_tile(stage), queries, gradients, quantised_tile(stage),
          key_tile(0, stage), key_tile(1, stage), lane, top_code, reciprocal, row_delta, sum);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      add_query_gradient<head_dim, clip, true>(
          how, softmax, code_tile(stage), queries, gradients, quantised_tile(stage),
          key_tile(0, stage), key_tile(1, stage), lane, top_code, reciprocal, row_delta, sum);
    }
    __syncthreads();
  }

  const int column = 2 * (threadIdx.x % 4);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    if (query >= extent.queries) continue;
#pragma unroll
    for (int n = 0; n < head_dim / 8; ++n) {
      *word_of(dq, head.batch, head.head, query, 8 * n + column) =
          Bf16::pack(sum[n][2 * half], sum[n][2 * half + 1]);
    }
  }
}

constexpr int kKeyRows = 128;  ///< keys of a block of threads: 32 for each warp
constexpr int kWarpKeys = 32;
constexpr int kQueryGroup = 16;  ///< queries whose scores a warp holds at a time

/// P of a warp's 32 keys with 16 queries goes to `probability`, and dP becomes dS. `pair`: the
/// codes of the lane's keys, of queries `column` + b and eight further. `values`: the tile's
/// greatest codes (lifted), from the group's first query on; reciprocal sums and deltas follow
/// kRows later each.
template <bool clip, bool masked, typename Code>
__device__ void weigh_group(const OpticalAttention& how, const Softmax& softmax,
                            const CodePair<Code> (&pair)[2], const float (&score)[2][2][4],
                            float (&probability)[2][2][4], float (&d_probability)[2][2][4],
                            const float* values, std::int64_t first_query, std::int64_t lane_key) {
  const AttentionExtent& extent = how.extent;
#pragma unroll
  for (int eight = 0; eight < 2; ++eight) {
    const int column = 8 * eight + 2 * (threadIdx.x % 4);
#pragma unroll
    for (int b = 0; b < 2; ++b) {
      float code[4];
      pair[b].get(eight, code);
      std::int64_t visible = 0;
      if (masked) {
        const std::int64_t query = first_query + column + b;
        visible = query < extent.queries
                      ? min(query + extent.keys - extent.queries + 1, extent.keys) - lane_key
                      : 0;
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int at = 2 * (i % 2) + b;
        float& dp = d_probability[i / 2][eight][at];
        const float p =
            softmax.exponential(code[i], values[column + b] + kLift) * values[kRows + column + b];
        float ds = how.scale * (p * (dp - values[2 * kRows + column + b]));
        if constexpr (clip) {
          if (ScoreClip(how).cuts(score[i / 2][eight][at])) ds = 0.0f;
        }
        const bool sees = !masked || i < visible;
        probability[i / 2][eight][at] = sees ? p : 0.0f;
        dp = sees ? ds : 0.0f;
      }
    }
  }
}

/// Sums of a chunk of queries that the next one goes on with: fp32 [batch, heads of keys, keys,
/// head_dim].
struct CarriedSums {
  float *dk = nullptr, *dv = nullptr;
  bool takes = false, leaves = false;
};

/// dk and dv, one tile of keys against all queries that see it, of `heads` heads that share it. A
/// lane holds keys 4g ... 4g + 3 of its warp, as rows g and g + 8 of two fragments, so scores come
/// transposed: rows are keys, columns are queries.
template <int head_dim, bool clip, typename Code>
__global__ void __launch_bounds__(kThreads, kBlocksOfKeyGradient)
    key_gradient_kernel(OpticalAttention how, QueryChunk chunk, const Code* codes,
                        HeadRows quantised_q, HeadRows quantised_k, HeadRows q, HeadRows v,
                        HeadRows g, OpticalAttentionRows rows, const float* delta,
                        std::int64_t heads, CarriedSums carried, ResultRows dk, ResultRows dv) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int kKeyBytes = kKeyRows * head_dim * 2;
  constexpr int kQueryBytes = kRows * head_dim * 2;
  constexpr int kCodeTiles = kKeyRows / kRows;
  const std::uint32_t base = device::shared_address(memory);
  const AttentionExtent& extent = how.extent;
  const std::int64_t batch = blockIdx.z;
  const std::int64_t first_head = blockIdx.y * heads;
  const std::int64_t kv_head = first_head * extent.kv_heads / extent.heads;
  const std::int64_t first_key = std::int64_t{blockIdx.x} * kKeyRows;
  const std::int64_t offset = extent.keys - extent.queries;
  const Softmax softmax(how);
  const CodeTiles places(extent, chunk);

  constexpr int kAfterQueries = kKeyBytes + 4 * kQueryBytes;
  constexpr int kAfterCodes = kAfterQueries + 2 * kCodeTiles * CodeTile<Code>::kBytes;
  constexpr int kAfterValues = kAfterCodes + 2 * 3 * kRows * 4;
  const Tile<head_dim, Spread::kKeyQuads> v_tile{base};
  const auto query_tile = [&](int which, int stage) {
    return Tile<head_dim, Spread::kQueries>{base + kKeyBytes + (2 * which + stage) * kQueryBytes};
  };
  const auto code_tile = [&](int which, int stage) {
    return CodeTile<Code>{memory + kAfterQueries +
                          (kCodeTiles * stage + which) * CodeTile<Code>::kBytes};
  };
  const std::uint32_t row_values = base + kAfterCodes;  // floats [2][3][kRows]
  // Read with `clip` alone.
  const Tile<head_dim, Spread::kKeyQuads> k_tile{base + kAfterValues};
  const auto quantised_tile = [&](int stage) {
    return Tile<head_dim, Spread::kQueries>{base + kAfterValues + kKeyBytes + stage * kQueryBytes};
  };

  // Query tiles that see a key of this tile, of one head; heads follow one another.
  const std::int64_t first_seeing = max(first_key - offset, std::int64_t{0});
  const int first_tile = static_cast<int>(max(first_seeing / kRows, chunk.first_tile));
  const int tiles_of_head = max(static_cast<int>(chunk.first_tile + chunk.tiles) - first_tile, 0);
  const int tiles = tiles_of_head * static_cast<int>(heads);
  const auto head_of_tile = [&](int tile) { return first_head + tile / tiles_of_head; };
  const auto tile_of_queries = [&](int tile) {
    return std::int64_t{first_tile + tile % tiles_of_head};
  };
  const auto load = [&](int tile) {
    if (tile < tiles) {
      const Head head(extent, batch, head_of_tile(tile));
      const std::int64_t first = tile_of_queries(tile) * kRows;
      const int stage = tile % 2;
      query_tile(0, stage).load(head_of(q, batch, head.head), q.row_stride, first, kRows,
                                extent.queries);
      query_tile(1, stage).load(head_of(g, batch, head.head), g.row_stride, first, kRows,
                                extent.queries);
      if constexpr (clip) {
        quantised_tile(stage).load(head_of(quantised_q, batch, head.head), quantised_q.row_stride,
                                   first, kRows, extent.queries);
      }
      // A tile that none of these queries sees was not written.
      const int seen = visible_tiles(extent, first);
      for (int i = 0; i < kCodeTiles; ++i) {
        const std::int64_t key_tile = first_key / kRows + i;
        if (key_tile >= seen) continue;
        code_tile(i, stage).load(codes, places.first_code(batch * extent.heads + head.head,
                                                          tile_of_queries(tile), key_tile));
      }
      const std::uint32_t values = row_values + stage * 3 * kRows * 4;
      for (int i = threadIdx.x; i < kRows; i += kThreads) {
        const bool exists = first + i < extent.queries;
        const std::int64_t row = exists ? head.row + first + i : 0;
        device::copy_word_async(values + 4 * i, rows.greatest + row, exists);
        device::copy_word_async(values + 4 * (kRows + i), rows.reciprocal_sum + row, exists);
        device::copy_word_async(values + 4 * (2 * kRows + i), delta + row, exists);
      }
    }
    device::commit_copies();
  };

  v_tile.load(head_of(v, batch, kv_head), v.row_stride, first_key, kKeyRows, extent.keys);
  if constexpr (clip) {
    k_tile.load(head_of(quantised_k, batch, kv_head), quantised_k.row_stride, first_key, kKeyRows,
                extent.keys);
  }
  load(0);

  const int lane = threadIdx.x % 32;
  const int matrix = lane / 8;
  const int warp_key = threadIdx.x / 32 * kWarpKeys;
  // Row r of fragment i is key 4 (r % 8) + 2i + r / 8.
  const int a_row = warp_key + 4 * (lane % 8) + matrix % 2;
  const std::int64_t lane_key = first_key + warp_key + 4 * (lane / 4);
  const int lane_quad = warp_key % kRows / 4 + lane / 4;  // in its tile of codes

  float k_sum[2][head_dim / 8][4] = {};
  float v_sum[2][head_dim / 8][4] = {};
  const int column = 2 * (lane % 4);
  // Calls work(fragment, half, n, key) for all pairs of sums that the lane holds.
  const auto for_sums = [&](const auto& work) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const std::int64_t key = lane_key + 2 * i + half;
        if (key >= extent.keys) continue;
#pragma unroll
        for (int n = 0; n < head_dim / 8; ++n) work(i, half, n, key);
      }
    }
  };
  const std::int64_t carried_row = (batch * gridDim.y + blockIdx.y) * extent.keys;
  const auto carried_at = [&](float* sums, int n, std::int64_t key) {
    return reinterpret_cast<float2*>(sums + (carried_row + key) * head_dim + 8 * n + column);
  };
  if (carried.takes) {
    for_sums([&](int i, int half, int n, std::int64_t key) {
      const float2 k_pair = *carried_at(carried.dk, n, key);
      const float2 v_pair = *carried_at(carried.dv, n, key);
      k_sum[i][n][2 * half] = k_pair.x;
      k_sum[i][n][2 * half + 1] = k_pair.y;
      v_sum[i][n][2 * half] = v_pair.x;
      v_sum[i][n][2 * half + 1] = v_pair.y;
    });
  }
  for (int tile = 0; tile < tiles; ++tile) {
    load(tile + 1);
    device::wait_for_copies<1>();
    __syncthreads();
    const int stage = tile % 2;
    const std::int64_t first_query = tile_of_queries(tile) * kRows;
    const auto* const values =
        reinterpret_cast<const float*>(memory + kAfterCodes) + stage * 3 * kRows;
    const CodeTile<Code> warp_codes = code_tile(warp_key / kRows, stage);
    // A warp whose keys no query of the tile sees has no codes either.
    const bool sees_any = first_query + kRows - 1 + offset >= first_key + warp_key;
#pragma unroll
    for (int from = 0; sees_any && from < kRows; from += kQueryGroup) {
      float score[2][2][4] = {}, d_probability[2][2][4] = {};  // [fragment of keys][8 queries]
      const int b_row = from + lane % 8 + 8 * (matrix / 2);
      const CodePair<Code> pair[2] = {
          warp_codes.pair(pair_place(from + 2 * (lane % 4), lane_quad)),
          warp_codes.pair(pair_place(from + 2 * (lane % 4) + 1, lane_quad))};
#pragma unroll
      for (int k = 0; k < head_dim / 16; ++k) {
        std::uint32_t b_q[4], b_g[4];
        if constexpr (clip) {
          device::load_matrices(b_q, quantised_tile(stage).address(b_row, 2 * k + matrix % 2));
        }
        device::load_matrices(b_g, query_tile(1, stage).address(b_row, 2 * k + matrix % 2));
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          std::uint32_t a_k[4], a_v[4];
          device::load_matrices(a_v, v_tile.address(a_row + 2 * i, 2 * k + matrix / 2));
          Bf16::multiply_add(d_probability[i][0], a_v, b_g[0], b_g[1]);
          Bf16::multiply_add(d_probability[i][1], a_v, b_g[2], b_g[3]);
          if constexpr (clip) {
            device::load_matrices(a_k, k_tile.address(a_row + 2 * i, 2 * k + matrix / 2));
            Fp16::multiply_add(score[i][0], a_k, b_q[0], b_q[1]);
            Fp16::multiply_add(score[i][1], a_k, b_q[2], b_q[3]);
          }
        }
      }
      // The warp's last key against the group's first query.
      const std::int64_t first_of_group = first_query + from;
      float probability[2][2][4];
      if (first_of_group + kQueryGroup <= extent.queries &&
          first_of_group + offset >= first_key + warp_key + kWarpKeys - 1) {
        weigh_group<clip, false>(how, softmax, pair, score, probability, d_probability,
                                 values + from, 0, 0);
      } else {
        weigh_group<clip, true>(how, softmax, pair, score, probability, d_probability,
                                values + from, first_of_group, lane_key);
      }
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const auto as_weights = [](const float(&tile_pair)[2][4], std::uint32_t(&weights)[4]) {
          weights[0] = Bf16::pack(tile_pair[0][0], tile_pair[0][1]);
          weights[1] = Bf16::pack(tile_pair[0][2], tile_pair[0][3]);
          weights[2] = Bf16::pack(tile_pair[1][0], tile_pair[1][1]);
          weights[3] = Bf16::pack(tile_pair[1][2], tile_pair[1][3]);
        };
        std::uint32_t p[4], ds[4];
        as_weights(probability[i], p);
        as_weights(d_probability[i], ds);
        const int row = from + lane % 8 + 8 * (matrix % 2);
#pragma unroll
        for (int n = 0; n < head_dim / 8; n += 2) {
          std::uint32_t b_g[4], b_q[4];
          device::load_matrices_transposed(b_g, query_tile(1, stage).address(row, n + matrix / 2));
          device::load_matrices_transposed(b_q, query_tile(0, stage).address(row, n + matrix / 2));
          Bf16::multiply_add(v_sum[i][n], p, b_g[0], b_g[1]);
          Bf16::multiply_add(v_sum[i][n + 1], p, b_g[2], b_g[3]);
          Bf16::multiply_add(k_sum[i][n], ds, b_q[0], b_q[1]);
          Bf16::multiply_add(k_sum[i][n + 1], ds, b_q[2], b_q[3]);
        }
      }
    }
    __syncthreads();
  }

  for_sums([&](int i, int half, int n, std::int64_t key) {
    const float2 k_pair = make_float2(k_sum[i][n][2 * half], k_sum[i][n][2 * half + 1]);
    const float2 v_pair = make_float2(v_sum[i][n][2 * half], v_sum[i][n][2 * half + 1]);
    if (carried.leaves) {
      *carried_at(carried.dk, n, key) = k_pair;
      *carried_at(carried.dv, n, key) = v_pair;
    } else {
      const int at = 8 * n + column;
      *word_of(dk, batch, blockIdx.y, key, at) = Bf16::pack(k_pair.x, k_pair.y);
      *word_of(dv, batch, blockIdx.y, key, at) = Bf16::pack(v_pair.x, v_pair.y);
    }
  });
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
  const std::int64_t blocks =
      (extent.keys + kKeyRows - 1) / kKeyRows * extent.kv_heads * extent.batch;
  return blocks < kEnoughBlocks && optical_attention_is_one_chunk(extent)
             ? 1
             : extent.heads / extent.kv_heads;
}

bool sums_heads(const AttentionExtent& extent) {
  return heads_of_block(extent) < extent.heads / extent.kv_heads;
}

std::int64_t delta_bytes(const AttentionExtent& extent) {
  return (extent.batch * extent.heads * extent.queries * 4 + 15) / 16 * 16;
}

}  // namespace

std::int64_t optical_attention_gradient_bytes(const AttentionExtent& extent) {
  const std::int64_t row = extent.batch * extent.keys * extent.head_dim;
  const std::int64_t shares = sums_heads(extent) ? 2 * row * extent.heads * 2 : 0;
  const std::int64_t carried =
      optical_attention_is_one_chunk(extent) ? 0 : 2 * row * extent.kv_heads * 4;
  return delta_bytes(extent) + shares + carried;
}

void optical_attention_gradient(const OpticalAttention& how, void* codes, bool keeps_codes,
                                const HeadRows& quantised_q, const HeadRows& quantised_k,
                                const HeadRows& q, const HeadRows& k, const HeadRows& v,
                                const HeadRows& g, const OpticalAttentionRows& rows, void* scratch,
                                const ResultRows& dq, const ResultRows& dk, const ResultRows& dv,
                                Stream stream) {
  const AttentionExtent& extent = how.extent;
  const cudaStream_t native = device::native(stream);
  auto* const delta = static_cast<float*>(scratch);
  const std::int64_t row_count = extent.batch * extent.heads * extent.queries;
  constexpr int kRowsOfBlock = kThreads / 32;
  delta_kernel<<<static_cast<unsigned>((row_count + kRowsOfBlock - 1) / kRowsOfBlock), kThreads, 0,
                 native>>>(extent, g, rows.exact_context, row_count, delta);
  PARADIGM_CUDA_CHECK(cudaGetLastError());

  // Behind delta: either the shares of heads or the sums that chunks carry.
  auto* const behind = static_cast<unsigned char*>(scratch) + delta_bytes(extent);
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
  const auto launch = [&](const QueryChunk& chunk, auto code, auto head_dim, auto clip) {
    using Code = decltype(code);
    const auto* const typed = static_cast<const Code*>(codes);
    constexpr int kTile = kRows * head_dim * 2;
    constexpr int kQueryMemory = (clip ? 8 : 5) * kTile + 2 * CodeTile<Code>::kBytes;
    const auto of_queries = &query_gradient_kernel<head_dim, clip, Code>;
    PARADIGM_CUDA_CHECK(cudaFuncSetAttribute(
        of_queries, cudaFuncAttributeMaxDynamicSharedMemorySize, kQueryMemory));
    of_queries<<<query_grid(extent, chunk), kThreads, kQueryMemory, native>>>(
        how, chunk, typed, quantised_q, quantised_k, k, v, g, rows, delta, dq);
    PARADIGM_CUDA_CHECK(cudaGetLastError());

    constexpr int kKeyTile = kKeyRows * head_dim * 2;
    constexpr int kKeyMemory = (clip ? 2 : 1) * kKeyTile + (clip ? 6 : 4) * kTile +
                               2 * (kKeyRows / kRows) * CodeTile<Code>::kBytes + 2 * 3 * kRows * 4;
    const auto of_keys = &key_gradient_kernel<head_dim, clip, Code>;
    PARADIGM_CUDA_CHECK(
        cudaFuncSetAttribute(of_keys, cudaFuncAttributeMaxDynamicSharedMemorySize, kKeyMemory));
    const dim3 grid(static_cast<unsigned>((extent.keys + kKeyRows - 1) / kKeyRows),
                    static_cast<unsigned>(extent.heads / heads),
                    static_cast<unsigned>(extent.batch));
    of_keys<<<grid, kThreads, kKeyMemory, native>>>(how, chunk, typed, quantised_q, quantised_k, q,
                                                    v, g, rows, delta, heads, carried, dk_of_block,
                                                    dv_of_block);
    PARADIGM_CUDA_CHECK(cudaGetLastError());
  };
  for_chunks(extent, [&](const QueryChunk& chunk, bool is_first, bool is_last) {
    if (!keeps_codes) {
      read_out_scores_again(how, chunk, quantised_q, quantised_k, codes, stream);
    }
    carried.takes = !is_first;
    carried.leaves = !is_last;
    with_code_type(how.levels, [&](auto code) {
      with_head_dim(extent.head_dim, [&](auto head_dim) {
        if (how.clip) {
          launch(chunk, code, head_dim, std::true_type{});
        } else {
          launch(chunk, code, head_dim, std::false_type{});
        }
      });
    });
  });
  if (!sums) return;
  const dim3 grid(static_cast<unsigned>((2 * head_elements / 8 + kThreads - 1) / kThreads),
                  static_cast<unsigned>(extent.kv_heads), static_cast<unsigned>(extent.batch));
  sum_heads_kernel<<<grid, kThreads, 0, native>>>(extent, dk_of_block, dv_of_block, dk, dv);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
