// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/balance.cuh"
#include "kernels/optical_attention/attention_tiles.cuh"

#include <limits>

namespace kernels::cuda {
namespace {

using namespace kernels::optical_attention;
using device::Bf16;
using device::Fp16;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <int head_dim>
__global__ void __launch_bounds__(kThreads)
    score_range_kernel(OpticalAttention how, HeadRows q, HeadRows k, bool full, int* observed) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int kBytes = kRows * head_dim * 2;
  const std::uint32_t base = device::shared_address(memory);
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.z, blockIdx.y);
  const std::int64_t first_query = std::int64_t{blockIdx.x} * kRows;
  const std::uint16_t* keys = head_of(k, head.batch, head.kv_head);

  const Tile<head_dim, Spread::kQueries> q_tile{base};
  const Tile<head_dim, Spread::kKeys> k_tile{base + kBytes};
  q_tile.load(head_of(q, head.batch, head.head), q.row_stride, first_query, kRows, extent.queries);
  const int tiles = full ? static_cast<int>((extent.keys + kRows - 1) / kRows)
                         : visible_tiles(extent, first_query);
  device::RangeAccumulator seen;
  QueryFragments<head_dim> queries;
  for (int tile = 0; tile < tiles; ++tile) {
    k_tile.load(keys, k.row_stride, std::int64_t{tile} * kRows, kRows, extent.keys);
    device::commit_copies();
    device::wait_for_copies<0>();
    __syncthreads();
    if (tile == 0) queries.load(q_tile);
    const std::int64_t first_key = std::int64_t{tile} * kRows;
    LaneRows lane;
    lane.look_at(extent, first_query, first_key);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (full && first_query + lane.row + 8 * half < extent.queries) {
        lane.visible[half] = static_cast<int>(min(extent.keys - first_key, std::int64_t{kRows})) -
                             4 * static_cast<int>(threadIdx.x % 4);
      }
    }
#pragma unroll 1
    for (int group = 0; group < kRows / kGroup; ++group) {
      float score[2][4];
      multiply_by_keys<head_dim, Fp16>(queries, k_tile, group, score);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float four[4];
        take_four(score, half, four);
        for (int i = 0; i < 4; ++i) {
          if (kGroup * group + i < lane.visible[half]) seen.add(four[i]);
        }
      }
    }
    __syncthreads();
  }
  seen.fold_into(observed);
}

/// One row's softmax while its codes go by, of the keys that one lane sees.
struct RunningSoftmax {
  float greatest_code = -kInfinity;
  float sum = 0;

  /// Counts `sum` from a greatest code that may be higher. Seldom it is: a row's first keys decide.
  __device__ void raise(float code, float step) {
    if (!(code > greatest_code)) return;
    sum *= device::exp2_fast((greatest_code - code) * step);
    greatest_code = code;
  }

  /// Sum of 2^(step * (code - greatest)) with the new greatest.
  __device__ void merge(float other_greatest, float other_sum, float step) {
    const float both = fmaxf(greatest_code, other_greatest);
    if (both == -kInfinity) {  // no key, or nothing but NaN
      sum += other_sum;
      return;
    }
    sum = sum * device::exp2_fast((greatest_code - both) * step) +
          other_sum * device::exp2_fast((other_greatest - both) * step);
    greatest_code = both;
  }
};

/// First sweep over one tile: the scores' extent, greatest code and sum of exponentials.
template <int head_dim, bool noisy, bool masked>
__device__ void sum_tile(const ScoreReader& reader, const QueryFragments<head_dim>& queries,
                         const Tile<head_dim, Spread::kKeys>& keys, const LaneRows& lane,
                         const std::uint64_t (&block)[2], device::ThreadRange& seen,
                         RunningSoftmax (&softmax)[2]) {
#pragma unroll 1
  for (int group = 0; group < kRows / kGroup; ++group) {
    float score[2][4];
    multiply_by_keys<head_dim, Fp16>(queries, keys, group, score);
    float code[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      take_four(score, half, code[half]);
      const int visible = lane.visible[half] - kGroup * group;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (masked && i >= visible) continue;
        seen.add(code[half][i]);
      }
    }
    reader.read_out<noisy>(code, block, 4 * group);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int visible = lane.visible[half] - kGroup * group;
      float top_code = -kInfinity;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (!masked || i < visible) top_code = fmaxf(top_code, code[half][i]);
      }
      softmax[half].raise(top_code, reader.exponent_step);
      float sum = 0;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (masked && i >= visible) continue;
        sum +=
            device::exp2_fast((code[half][i] - softmax[half].greatest_code) * reader.exponent_step);
      }
      softmax[half].sum += sum;
    }
  }
}

/// Second sweep over one tile: P, its codes, and both sums of values.
template <int head_dim, bool noisy, bool masked>
__device__ void weigh_tile(const ScoreReader& reader, const QueryFragments<head_dim>& queries,
                           const Tile<head_dim, Spread::kKeys>& keys, const LaneRows& lane,
                           const std::uint64_t (&block)[2], const float (&top_code)[2],
                           const float (&reciprocal)[2],
                           const Tile<head_dim, Spread::kKeys>& values,
                           const Tile<head_dim, Spread::kKeys>& exact_values,
                           float (&sum)[head_dim / 8][4], float (&exact_sum)[head_dim / 8][4]) {
#pragma unroll 1
  for (int group = 0; group < kRows / kGroup; ++group) {
    float score[2][4];
    multiply_by_keys<head_dim, Fp16>(queries, keys, group, score);
    float p[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) take_four(score, half, p[half]);
    reader.read_out<noisy>(p, block, 4 * group);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        p[half][i] = reader.probability(p[half][i], top_code[half], reciprocal[half]);
        if (masked && kGroup * group + i >= lane.visible[half]) p[half][i] = 0.0f;
      }
    }
    const std::uint32_t exact_p[4] = {Bf16::pack(p[0][0], p[0][1]), Bf16::pack(p[1][0], p[1][1]),
                                      Bf16::pack(p[0][2], p[0][3]), Bf16::pack(p[1][2], p[1][3])};
    // Q(P; (0, 1)) as its code: v = P * top, because (P - 0) / (1 + 1e-8) is P in fp32.
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < 4; ++i) p[half][i] = least(rounded(p[half][i] * reader.top), reader.top);
    }
    const std::uint32_t code[4] = {Fp16::pack(p[0][0], p[0][1]), Fp16::pack(p[1][0], p[1][1]),
                                   Fp16::pack(p[0][2], p[0][3]), Fp16::pack(p[1][2], p[1][3])};
    add_weighted_rows<head_dim, Fp16>(code, values, group, sum);
    add_weighted_rows<head_dim, Bf16>(exact_p, exact_values, group, exact_sum);
  }
}

template <int head_dim, bool noisy>
__global__ void __launch_bounds__(kThreads, kBlocksOfQueries)
    forward_kernel(OpticalAttention how, const __grid_constant__ ScoreNoise noise, HeadRows q,
                   HeadRows k, HeadRows v, HeadRows exact_v, float* context,
                   OpticalAttentionRows rows, int* observed, RunningRange running) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int kBytes = kRows * head_dim * 2;
  const std::uint32_t base = device::shared_address(memory);
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.z, blockIdx.y);
  // The longest rows first: the last blocks to start are then the shortest.
  const std::int64_t first_query = std::int64_t{gridDim.x - 1 - blockIdx.x} * kRows;
  const std::uint16_t* keys = head_of(k, head.batch, head.kv_head);
  const std::uint16_t* quantised = head_of(v, head.batch, head.kv_head);
  const std::uint16_t* exact = head_of(exact_v, head.batch, head.kv_head);
  const ScoreReader reader(how, noise);
  const int tiles = visible_tiles(extent, first_query);

  const Tile<head_dim, Spread::kQueries> q_tile{base};
  const auto key_tile = [&](int which, int stage) {
    return Tile<head_dim, Spread::kKeys>{base + (1 + 2 * which + stage) * kBytes};
  };
  const auto load = [&](int tile, bool with_values) {
    if (tile < tiles) {
      const std::int64_t first = std::int64_t{tile} * kRows;
      key_tile(0, tile % 2).load(keys, k.row_stride, first, kRows, extent.keys);
      if (with_values) {
        key_tile(1, tile % 2).load(quantised, v.row_stride, first, kRows, extent.keys);
        key_tile(2, tile % 2).load(exact, exact_v.row_stride, first, kRows, extent.keys);
      }
    }
    device::commit_copies();
  };

  LaneRows lane;
  std::uint64_t first_block[2];  // of the noise of the lane's first key in tile 0
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t row = head.row + first_query + lane.row + 8 * half;
    first_block[half] = static_cast<std::uint64_t>(row * (extent.keys / 4)) + threadIdx.x % 4;
  }
  const auto blocks_of = [&](int tile, std::uint64_t(&block)[2]) {
    for (int half = 0; half < 2; ++half) block[half] = first_block[half] + tile * (kRows / 4);
  };

  q_tile.load(head_of(q, head.batch, head.head), q.row_stride, first_query, kRows, extent.queries);
  load(0, false);
  QueryFragments<head_dim> queries;
  RunningSoftmax softmax[2];
  device::ThreadRange seen;
  for (int tile = 0; tile < tiles; ++tile) {
    load(tile + 1, false);
    device::wait_for_copies<1>();
    __syncthreads();
    if (tile == 0) queries.load(q_tile);
    std::uint64_t block[2];
    blocks_of(tile, block);
    const auto tile_keys = key_tile(0, tile % 2);
    if (sees_all(extent, first_query, std::int64_t{tile} * kRows)) {
      sum_tile<head_dim, noisy, false>(reader, queries, tile_keys, lane, block, seen, softmax);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      sum_tile<head_dim, noisy, true>(reader, queries, tile_keys, lane, block, seen, softmax);
    }
    __syncthreads();
  }
  if (observed != nullptr) seen.accumulated().fold_into(observed);
  if (running.state != nullptr) device::fold_and_update(seen.accumulated(), running);
  device::wait_for_copies<0>();

  float top_code[2], reciprocal[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
#pragma unroll
    for (int distance = 1; distance <= 2; distance *= 2) {
      softmax[half].merge(__shfl_xor_sync(0xFFFFFFFFu, softmax[half].greatest_code, distance),
                          __shfl_xor_sync(0xFFFFFFFFu, softmax[half].sum, distance),
                          reader.exponent_step);
    }
    top_code[half] = softmax[half].greatest_code;
    reciprocal[half] = softmax[half].sum == 0.0f ? 0.0f : 1.0f / softmax[half].sum;
  }

  load(0, true);
  float sum[head_dim / 8][4] = {};
  float exact_sum[head_dim / 8][4] = {};
  for (int tile = 0; tile < tiles; ++tile) {
    load(tile + 1, true);
    device::wait_for_copies<1>();
    __syncthreads();
    std::uint64_t block[2];
    blocks_of(tile, block);
    const auto tile_keys = key_tile(0, tile % 2);
    const auto values = key_tile(1, tile % 2), exact_values = key_tile(2, tile % 2);
    if (sees_all(extent, first_query, std::int64_t{tile} * kRows)) {
      weigh_tile<head_dim, noisy, false>(reader, queries, tile_keys, lane, block, top_code,
                                         reciprocal, values, exact_values, sum, exact_sum);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      weigh_tile<head_dim, noisy, true>(reader, queries, tile_keys, lane, block, top_code,
                                        reciprocal, values, exact_values, sum, exact_sum);
    }
    __syncthreads();
  }

  constexpr float kUnitInterval[2] = {0, 1};
  const float value_scale = 1.0f / device::balance(how.v_range, kUnitInterval) / reader.top;
  const int column = 2 * (threadIdx.x % 4);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    if (query >= extent.queries) continue;
    const std::int64_t row = head.row + query;
#pragma unroll
    for (int n = 0; n < head_dim / 8; ++n) {
      const std::int64_t at = row * head_dim + 8 * n + column;
      *reinterpret_cast<float2*>(context + at) =
          make_float2(sum[n][2 * half] * value_scale, sum[n][2 * half + 1] * value_scale);
      *reinterpret_cast<float2*>(rows.exact_context + at) =
          make_float2(exact_sum[n][2 * half], exact_sum[n][2 * half + 1]);
    }
    if (threadIdx.x % 4 == 0) {
      rows.greatest[row] = top_code[half];
      rows.reciprocal_sum[row] = reciprocal[half];
    }
  }
}

}  // namespace

bool optical_attention_fits(const AttentionExtent& extent, std::int32_t levels) {
  return (extent.head_dim == 32 || extent.head_dim == 64) && levels <= 2048 &&
         extent.keys % 4 == 0 && extent.batch <= 65535 && extent.heads <= 65535;
}

void optical_attention_score_range(const OpticalAttention& how, const HeadRows& q,
                                   const HeadRows& k, bool full, ObservedRange observed,
                                   Stream stream) {
  with_head_dim(how.extent.head_dim, [&](auto head_dim) {
    constexpr int kBytes = 2 * kRows * head_dim * 2;
    score_range_kernel<head_dim>
        <<<query_grid(how.extent), kThreads, kBytes, device::native(stream)>>>(how, q, k, full,
                                                                               observed);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void optical_attention_forward(const OpticalAttention& how, const HeadRows& q, const HeadRows& k,
                               const HeadRows& v, const HeadRows& exact_v, float* context,
                               const OpticalAttentionRows& rows, ObservedRange observed,
                               Stream stream, const RunningRange& running) {
  OpticalAttention in_range = how;
  if (running.state != nullptr) in_range.qk_range = running.state;
  with_head_dim(how.extent.head_dim, [&](auto head_dim) {
    constexpr int kBytes = 7 * kRows * head_dim * 2;
    const auto kernel =
        how.noisy ? &forward_kernel<head_dim, true> : &forward_kernel<head_dim, false>;
    PARADIGM_CUDA_CHECK(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
    kernel<<<query_grid(how.extent), kThreads, kBytes, device::native(stream)>>>(
        in_range, ScoreNoise(how.qk_noise), q, k, v, exact_v, context, rows, observed, running);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
