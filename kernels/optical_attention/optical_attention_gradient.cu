// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/optical_attention/attention_tiles.cuh"

#include <limits>

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

/// dS of one score. Clipped to 0 outside [lo, hi], which is everything unless gradients are
/// clipped.
struct ScoreGradient {
  float scale, lo, hi;

  __device__ ScoreGradient(const OpticalAttention& how, const ScoreReader& reader)
      : scale(how.scale),
        lo(how.clip ? reader.lo : -std::numeric_limits<float>::infinity()),
        hi(how.clip ? reader.hi : std::numeric_limits<float>::infinity()) {}

  __device__ float operator()(float p, float dp, float delta, float product) const {
    const float gradient = scale * (p * (dp - delta));
    return product < lo || product > hi ? 0.0f : gradient;
  }
};

/// One tile of keys: dq += dS k.
template <int head_dim, bool noisy, bool masked>
__device__ void add_query_gradient(const ScoreReader& reader, const ScoreGradient& gradient,
                                   const QueryFragments<head_dim>& queries,
                                   const QueryFragments<head_dim>& gradients,
                                   const Tile<head_dim, Spread::kKeys>& quantised_keys,
                                   const Tile<head_dim, Spread::kKeys>& keys,
                                   const Tile<head_dim, Spread::kKeys>& values,
                                   const LaneRows& lane, const std::uint64_t (&block)[2],
                                   const float (&top_code)[2], const float (&reciprocal)[2],
                                   const float (&delta)[2], float (&sum)[head_dim / 8][4]) {
#pragma unroll 1
  for (int group = 0; group < kRows / kGroup; ++group) {
    float score[2][4], d_probability[2][4];
    multiply_by_keys<head_dim, Fp16>(queries, quantised_keys, group, score);
    multiply_by_keys<head_dim, Bf16>(gradients, values, group, d_probability);
    float product[2][4], code[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      take_four(score, half, product[half]);
      take_four(score, half, code[half]);
    }
    reader.read_out<noisy>(code, block, 4 * group);
    float d_score[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float dp[4];
      take_four(d_probability, half, dp);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float p = reader.probability(code[half][i], top_code[half], reciprocal[half]);
        d_score[half][i] = gradient(p, dp[i], delta[half], product[half][i]);
        if (masked && kGroup * group + i >= lane.visible[half]) d_score[half][i] = 0.0f;
      }
    }
    const std::uint32_t weights[4] = {
        Bf16::pack(d_score[0][0], d_score[0][1]), Bf16::pack(d_score[1][0], d_score[1][1]),
        Bf16::pack(d_score[0][2], d_score[0][3]), Bf16::pack(d_score[1][2], d_score[1][3])};
    add_weighted_rows<head_dim, Bf16>(weights, keys, group, sum);
  }
}

/// dq, one tile of queries against all visible keys.
template <int head_dim, bool noisy>
__global__ void __launch_bounds__(kThreads, kBlocksOfQueries)
    query_gradient_kernel(OpticalAttention how, const __grid_constant__ ScoreNoise noise,
                          HeadRows quantised_q, HeadRows quantised_k, HeadRows k, HeadRows v,
                          HeadRows g, OpticalAttentionRows rows, const float* delta,
                          __nv_bfloat16* dq) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int kBytes = kRows * head_dim * 2;
  const std::uint32_t base = device::shared_address(memory);
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.z, blockIdx.y);
  const std::int64_t first_query = std::int64_t{gridDim.x - 1 - blockIdx.x} * kRows;
  const std::uint16_t* keys = head_of(quantised_k, head.batch, head.kv_head);
  const std::uint16_t* exact_k = head_of(k, head.batch, head.kv_head);
  const std::uint16_t* exact_v = head_of(v, head.batch, head.kv_head);
  const ScoreReader reader(how, noise);
  const ScoreGradient gradient(how, reader);
  const int tiles = visible_tiles(extent, first_query);

  const Tile<head_dim, Spread::kQueries> q_tile{base};
  const Tile<head_dim, Spread::kQueries> g_tile{base + kBytes};
  const auto key_tile = [&](int which, int stage) {
    return Tile<head_dim, Spread::kKeys>{base + (2 + 2 * which + stage) * kBytes};
  };
  const auto load = [&](int tile) {
    if (tile < tiles) {
      const std::int64_t first = std::int64_t{tile} * kRows;
      key_tile(0, tile % 2).load(keys, quantised_k.row_stride, first, kRows, extent.keys);
      key_tile(1, tile % 2).load(exact_k, k.row_stride, first, kRows, extent.keys);
      key_tile(2, tile % 2).load(exact_v, v.row_stride, first, kRows, extent.keys);
    }
    device::commit_copies();
  };

  q_tile.load(head_of(quantised_q, head.batch, head.head), quantised_q.row_stride, first_query,
              kRows, extent.queries);
  g_tile.load(head_of(g, head.batch, head.head), g.row_stride, first_query, kRows, extent.queries);
  load(0);

  LaneRows lane;
  float top_code[2], reciprocal[2], row_delta[2];
  std::uint64_t first_block[2];  // of the noise of the lane's first key in tile 0
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    const std::int64_t row = head.row + query;
    const bool exists = query < extent.queries;
    top_code[half] = exists ? rows.greatest[row] : 0.0f;
    reciprocal[half] = exists ? rows.reciprocal_sum[row] : 0.0f;
    row_delta[half] = exists ? delta[row] : 0.0f;
    first_block[half] = static_cast<std::uint64_t>(row * (extent.keys / 4)) + threadIdx.x % 4;
  }

  QueryFragments<head_dim> queries, gradients;
  float sum[head_dim / 8][4] = {};
  for (int tile = 0; tile < tiles; ++tile) {
    load(tile + 1);
    device::wait_for_copies<1>();
    __syncthreads();
    if (tile == 0) {
      queries.load(q_tile);
      gradients.load(g_tile);
    }
    std::uint64_t block[2];
    for (int half = 0; half < 2; ++half) block[half] = first_block[half] + tile * (kRows / 4);
    const auto quantised_rows = key_tile(0, tile % 2);
    const auto k_rows = key_tile(1, tile % 2), v_rows = key_tile(2, tile % 2);
    if (sees_all(extent, first_query, std::int64_t{tile} * kRows)) {
      add_query_gradient<head_dim, noisy, false>(reader, gradient, queries, gradients,
                                                 quantised_rows, k_rows, v_rows, lane, block,
                                                 top_code, reciprocal, row_delta, sum);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      add_query_gradient<head_dim, noisy, true>(reader, gradient, queries, gradients,
                                                quantised_rows, k_rows, v_rows, lane, block,
                                                top_code, reciprocal, row_delta, sum);
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
      *reinterpret_cast<std::uint32_t*>(dq + (head.row + query) * head_dim + 8 * n + column) =
          Bf16::pack(sum[n][2 * half], sum[n][2 * half + 1]);
    }
  }
}

constexpr int kKeyRows = 128;  ///< keys of a block of threads: 32 for each warp
constexpr int kWarpKeys = 32;
constexpr int kQueryGroup = 16;  ///< queries whose scores a warp holds at a time

/// Products of a warp's 32 keys with 16 queries become P, and dP becomes dS. `values`: the tile's
/// greatest codes, from the group's first query on; reciprocal sums and deltas follow kRows later
/// each. `block`: the noise of the lane's keys and the group's first query.
template <bool noisy, bool masked>
__device__ void read_out_group(const ScoreReader& reader, const ScoreGradient& gradient,
                               float (&score)[2][2][4], float (&d_probability)[2][2][4],
                               const float* values, std::uint64_t block,
                               const AttentionExtent& extent, std::int64_t first_query,
                               std::int64_t lane_key) {
#pragma unroll
  for (int eight = 0; eight < 2; ++eight) {
    const int column = 8 * eight + 2 * (threadIdx.x % 4);
    float product[2][4], code[2][4];
    std::uint64_t blocks[2];
#pragma unroll
    for (int b = 0; b < 2; ++b) {
      blocks[b] = block + (column + b) * (extent.keys / 4);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        product[b][i] = score[i / 2][eight][2 * (i % 2) + b];
        code[b][i] = product[b][i];
      }
    }
    reader.read_out<noisy>(code, blocks, 0);
#pragma unroll
    for (int b = 0; b < 2; ++b) {
      std::int64_t visible = 0;
      if (masked) {
        const std::int64_t query = first_query + column + b;
        visible = query < extent.queries
                      ? min(query + extent.keys - extent.queries + 1, extent.keys) - lane_key
                      : 0;
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float& s = score[i / 2][eight][2 * (i % 2) + b];
        float& dp = d_probability[i / 2][eight][2 * (i % 2) + b];
        const float p =
            reader.probability(code[b][i], values[column + b], values[kRows + column + b]);
        const float ds = gradient(p, dp, values[2 * kRows + column + b], product[b][i]);
        const bool sees = !masked || i < visible;
        s = sees ? p : 0.0f;
        dp = sees ? ds : 0.0f;
      }
    }
  }
}

/// dk and dv, one tile of keys against all queries that see it, of all heads that share it. A lane
/// holds keys 4g ... 4g + 3 of its warp, as rows g and g + 8 of two fragments, so scores come
/// transposed: rows are keys, columns are queries.
template <int head_dim, bool noisy>
__global__ void __launch_bounds__(kThreads)
    key_gradient_kernel(OpticalAttention how, const __grid_constant__ ScoreNoise noise,
                        HeadRows quantised_q, HeadRows quantised_k, HeadRows q, HeadRows v,
                        HeadRows g, OpticalAttentionRows rows, const float* delta,
                        __nv_bfloat16* dk, __nv_bfloat16* dv) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int kKeyBytes = kKeyRows * head_dim * 2;
  constexpr int kQueryBytes = kRows * head_dim * 2;
  const std::uint32_t base = device::shared_address(memory);
  const AttentionExtent& extent = how.extent;
  const std::int64_t batch = blockIdx.z;
  const std::int64_t kv_head = blockIdx.y;
  const std::int64_t first_key = std::int64_t{blockIdx.x} * kKeyRows;
  const std::int64_t kv_row = (batch * extent.kv_heads + kv_head) * extent.keys;
  const std::int64_t shared_heads = extent.heads / extent.kv_heads;
  const std::int64_t offset = extent.keys - extent.queries;
  const ScoreReader reader(how, noise);
  const ScoreGradient gradient(how, reader);

  const Tile<head_dim, Spread::kKeyQuads> k_tile{base};
  const Tile<head_dim, Spread::kKeyQuads> v_tile{base + kKeyBytes};
  const auto query_tile = [&](int which, int stage) {
    return Tile<head_dim, Spread::kQueries>{base + 2 * kKeyBytes +
                                            (2 * which + stage) * kQueryBytes};
  };
  float* const row_values =
      reinterpret_cast<float*>(memory + 2 * kKeyBytes + 6 * kQueryBytes);  // [2][3][kRows]

  // Query tiles that see a key of this tile, of one head; heads follow one another.
  const std::int64_t first_seeing = max(first_key - offset, std::int64_t{0});
  const int first_tile = static_cast<int>(first_seeing / kRows);
  const int tiles_of_head =
      max(static_cast<int>((extent.queries + kRows - 1) / kRows) - first_tile, 0);
  const int tiles = tiles_of_head * static_cast<int>(shared_heads);
  const auto head_of_tile = [&](int tile) { return kv_head * shared_heads + tile / tiles_of_head; };
  const auto query_of_tile = [&](int tile) {
    return std::int64_t{first_tile + tile % tiles_of_head} * kRows;
  };
  const auto load = [&](int tile) {
    if (tile < tiles) {
      const Head head(extent, batch, head_of_tile(tile));
      const std::int64_t first = query_of_tile(tile);
      const int stage = tile % 2;
      query_tile(0, stage).load(head_of(quantised_q, batch, head.head), quantised_q.row_stride,
                                first, kRows, extent.queries);
      query_tile(1, stage).load(head_of(q, batch, head.head), q.row_stride, first, kRows,
                                extent.queries);
      query_tile(2, stage).load(head_of(g, batch, head.head), g.row_stride, first, kRows,
                                extent.queries);
      for (int i = threadIdx.x; i < kRows; i += kThreads) {
        const bool exists = first + i < extent.queries;
        float* const values = row_values + stage * 3 * kRows + i;
        values[0] = exists ? rows.greatest[head.row + first + i] : 0.0f;
        values[kRows] = exists ? rows.reciprocal_sum[head.row + first + i] : 0.0f;
        values[2 * kRows] = exists ? delta[head.row + first + i] : 0.0f;
      }
    }
    device::commit_copies();
  };

  k_tile.load(head_of(quantised_k, batch, kv_head), quantised_k.row_stride, first_key, kKeyRows,
              extent.keys);
  v_tile.load(head_of(v, batch, kv_head), v.row_stride, first_key, kKeyRows, extent.keys);
  load(0);

  const int lane = threadIdx.x % 32;
  const int matrix = lane / 8;
  const int warp_key = threadIdx.x / 32 * kWarpKeys;
  // Row r of fragment i is key 4 (r % 8) + 2i + r / 8.
  const int a_row = warp_key + 4 * (lane % 8) + matrix % 2;
  const std::int64_t lane_key = first_key + warp_key + 4 * (lane / 4);

  float k_sum[2][head_dim / 8][4] = {};
  float v_sum[2][head_dim / 8][4] = {};
  for (int tile = 0; tile < tiles; ++tile) {
    load(tile + 1);
    device::wait_for_copies<1>();
    __syncthreads();
    const int stage = tile % 2;
    const std::int64_t first_query = query_of_tile(tile);
    const std::int64_t head_row = (batch * extent.heads + head_of_tile(tile)) * extent.queries;
    const float* const values = row_values + stage * 3 * kRows;
    const std::uint64_t first_block =
        static_cast<std::uint64_t>(head_row * (extent.keys / 4) + lane_key / 4);
#pragma unroll 1
    for (int from = 0; from < kRows; from += kQueryGroup) {
      float score[2][2][4] = {}, d_probability[2][2][4] = {};  // [fragment of keys][8 queries]
      const int b_row = from + lane % 8 + 8 * (matrix / 2);
#pragma unroll
      for (int k = 0; k < head_dim / 16; ++k) {
        std::uint32_t b_q[4], b_g[4];
        device::load_matrices(b_q, query_tile(0, stage).address(b_row, 2 * k + matrix % 2));
        device::load_matrices(b_g, query_tile(2, stage).address(b_row, 2 * k + matrix % 2));
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          std::uint32_t a_k[4], a_v[4];
          device::load_matrices(a_k, k_tile.address(a_row + 2 * i, 2 * k + matrix / 2));
          device::load_matrices(a_v, v_tile.address(a_row + 2 * i, 2 * k + matrix / 2));
          Fp16::multiply_add(score[i][0], a_k, b_q[0], b_q[1]);
          Fp16::multiply_add(score[i][1], a_k, b_q[2], b_q[3]);
          Bf16::multiply_add(d_probability[i][0], a_v, b_g[0], b_g[1]);
          Bf16::multiply_add(d_probability[i][1], a_v, b_g[2], b_g[3]);
        }
      }
      // The warp's last key against the group's first query.
      const std::int64_t first_of_group = first_query + from;
      if (first_of_group + kQueryGroup <= extent.queries &&
          first_of_group + offset >= first_key + warp_key + kWarpKeys - 1) {
        read_out_group<noisy, false>(reader, gradient, score, d_probability, values + from,
                                     first_block + first_of_group * (extent.keys / 4), extent, 0,
                                     0);
      } else {
        read_out_group<noisy, true>(reader, gradient, score, d_probability, values + from,
                                    first_block + first_of_group * (extent.keys / 4), extent,
                                    first_of_group, lane_key);
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
        as_weights(score[i], p);
        as_weights(d_probability[i], ds);
        const int row = from + lane % 8 + 8 * (matrix % 2);
#pragma unroll
        for (int n = 0; n < head_dim / 8; n += 2) {
          std::uint32_t b_g[4], b_q[4];
          device::load_matrices_transposed(b_g, query_tile(2, stage).address(row, n + matrix / 2));
          device::load_matrices_transposed(b_q, query_tile(1, stage).address(row, n + matrix / 2));
          Bf16::multiply_add(v_sum[i][n], p, b_g[0], b_g[1]);
          Bf16::multiply_add(v_sum[i][n + 1], p, b_g[2], b_g[3]);
          Bf16::multiply_add(k_sum[i][n], ds, b_q[0], b_q[1]);
          Bf16::multiply_add(k_sum[i][n + 1], ds, b_q[2], b_q[3]);
        }
      }
    }
    __syncthreads();
  }

  const int column = 2 * (lane % 4);
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int64_t key = lane_key + 2 * i + half;
      if (key >= extent.keys) continue;
#pragma unroll
      for (int n = 0; n < head_dim / 8; ++n) {
        const std::int64_t at = (kv_row + key) * head_dim + 8 * n + column;
        *reinterpret_cast<std::uint32_t*>(dk + at) =
            Bf16::pack(k_sum[i][n][2 * half], k_sum[i][n][2 * half + 1]);
        *reinterpret_cast<std::uint32_t*>(dv + at) =
            Bf16::pack(v_sum[i][n][2 * half], v_sum[i][n][2 * half + 1]);
      }
    }
  }
}

}  // namespace

void optical_attention_gradient(const OpticalAttention& how, const HeadRows& quantised_q,
                                const HeadRows& quantised_k, const HeadRows& q, const HeadRows& k,
                                const HeadRows& v, const HeadRows& g,
                                const OpticalAttentionRows& rows, float* delta, void* dq, void* dk,
                                void* dv, Stream stream) {
  const AttentionExtent& extent = how.extent;
  const std::int64_t row_count = extent.batch * extent.heads * extent.queries;
  constexpr int kRowsOfBlock = kThreads / 32;
  delta_kernel<<<static_cast<unsigned>((row_count + kRowsOfBlock - 1) / kRowsOfBlock), kThreads, 0,
                 device::native(stream)>>>(extent, g, rows.exact_context, row_count, delta);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
  with_head_dim(extent.head_dim, [&](auto head_dim) {
    constexpr int kQueryMemory = 8 * kRows * head_dim * 2;
    const auto of_queries = how.noisy ? &query_gradient_kernel<head_dim, true>
                                      : &query_gradient_kernel<head_dim, false>;
    PARADIGM_CUDA_CHECK(cudaFuncSetAttribute(
        of_queries, cudaFuncAttributeMaxDynamicSharedMemorySize, kQueryMemory));
    of_queries<<<query_grid(extent), kThreads, kQueryMemory, device::native(stream)>>>(
        how, ScoreNoise(how.qk_noise), quantised_q, quantised_k, k, v, g, rows, delta,
        static_cast<__nv_bfloat16*>(dq));
    PARADIGM_CUDA_CHECK(cudaGetLastError());

    constexpr int kKeyMemory =
        2 * kKeyRows * head_dim * 2 + 6 * kRows * head_dim * 2 + 2 * 3 * kRows * 4;
    const auto of_keys =
        how.noisy ? &key_gradient_kernel<head_dim, true> : &key_gradient_kernel<head_dim, false>;
    PARADIGM_CUDA_CHECK(
        cudaFuncSetAttribute(of_keys, cudaFuncAttributeMaxDynamicSharedMemorySize, kKeyMemory));
    const dim3 grid(static_cast<unsigned>((extent.keys + kKeyRows - 1) / kKeyRows),
                    static_cast<unsigned>(extent.kv_heads), static_cast<unsigned>(extent.batch));
    of_keys<<<grid, kThreads, kKeyMemory, device::native(stream)>>>(
        how, ScoreNoise(how.qk_noise), quantised_q, quantised_k, q, v, g, rows, delta,
        static_cast<__nv_bfloat16*>(dk), static_cast<__nv_bfloat16*>(dv));
    PARADIGM_CUDA_CHECK(cudaGetLastError());
  });
}

}  // namespace kernels::cuda
