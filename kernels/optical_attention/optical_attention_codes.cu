// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/optical_attention/attention_codes.cuh"

#include <limits>

namespace kernels::optical_attention {
namespace {

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
  __device__ void raise(float code, const Softmax& softmax) {
    if (!(code > greatest_code)) return;
    sum *= softmax.exponential(greatest_code, code);
    greatest_code = code;
  }

  __device__ void merge(float other_greatest, float other_sum, const Softmax& softmax) {
    const float both = fmaxf(greatest_code, other_greatest);
    if (both == -kInfinity) {  // no key, or nothing but NaN
      sum += other_sum;
      return;
    }
    sum = sum * softmax.exponential(greatest_code, both) +
          other_sum * softmax.exponential(other_greatest, both);
    greatest_code = both;
  }
};

/// One tile: the scores' codes and, the first time, their extent, the greatest code and the sum of
/// exponentials.
template <int head_dim, bool noisy, bool again, bool masked, typename Code>
__device__ void read_out_tile(const ScoreReader& reader, const Softmax& softmax,
                              const QueryFragments<head_dim>& queries,
                              const Tile<head_dim, Spread::kKeys>& keys, const LaneRows& lane,
                              const std::uint64_t (&block)[2], device::ThreadRange& seen,
                              RunningSoftmax (&rows)[2], CodePair<Code>* codes) {
  // Unrolled, the code of a tile would be larger than what the processor keeps of it at hand.
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
        if (again || (masked && i >= visible)) continue;
        seen.add(code[half][i]);
      }
    }
    reader.read_out<noisy>(code, block, 4 * group);
    CodePair<Code> pair;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      pair.put(half, code[half]);
      if (again) continue;
      const int visible = lane.visible[half] - kGroup * group;
      float top_code = -kInfinity;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (!masked || i < visible) top_code = fmaxf(top_code, code[half][i]);
      }
      rows[half].raise(top_code, softmax);
      float sum = 0;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (masked && i >= visible) continue;
        sum += softmax.exponential(code[half][i], rows[half].greatest_code);
      }
      rows[half].sum += sum;
    }
    codes[pair_place(lane.row, 4 * group + threadIdx.x % 4)] = pair;
  }
}

template <int head_dim, bool noisy, bool again, typename Code>
__global__ void __launch_bounds__(kThreads, kBlocksOfReadOut)
    score_code_kernel(OpticalAttention how, QueryChunk chunk,
                      const __grid_constant__ ScoreNoise noise, HeadRows q, HeadRows k,
                      OpticalAttentionRows rows, Code* codes, int* observed,
                      cuda::RunningRange running) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int kBytes = kRows * head_dim * 2;
  const std::uint32_t base = device::shared_address(memory);
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.z, blockIdx.y);
  const std::int64_t query_tile = query_tile_of_block(chunk);
  const std::int64_t first_query = query_tile * kRows;
  const std::uint16_t* keys = head_of(k, head.batch, head.kv_head);
  const ScoreReader reader(how, noise);
  const Softmax softmax(how);
  const int tiles = visible_tiles(extent, first_query);
  Code* const row_codes =
      codes +
      CodeTiles(extent, chunk).first_code(head.batch * extent.heads + head.head, query_tile, 0);

  const Tile<head_dim, Spread::kQueries> q_tile{base};
  const auto key_tile = [&](int stage) {
    return Tile<head_dim, Spread::kKeys>{base + (1 + stage) * kBytes};
  };
  const auto load = [&](int tile) {
    if (tile < tiles) {
      key_tile(tile % 2).load(keys, k.row_stride, std::int64_t{tile} * kRows, kRows, extent.keys);
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

  q_tile.load(head_of(q, head.batch, head.head), q.row_stride, first_query, kRows, extent.queries);
  load(0);
  QueryFragments<head_dim> queries;
  RunningSoftmax of_rows[2];
  device::ThreadRange seen;
  for (int tile = 0; tile < tiles; ++tile) {
    load(tile + 1);
    device::wait_for_copies<1>();
    __syncthreads();
    if (tile == 0) queries.load(q_tile);
    std::uint64_t block[2];
    for (int half = 0; half < 2; ++half) block[half] = first_block[half] + tile * (kRows / 4);
    auto* const pairs =
        reinterpret_cast<CodePair<Code>*>(row_codes + std::int64_t{tile} * kTileCodes);
    if (sees_all(extent, first_query, std::int64_t{tile} * kRows)) {
      read_out_tile<head_dim, noisy, again, false>(reader, softmax, queries, key_tile(tile % 2),
                                                   lane, block, seen, of_rows, pairs);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      read_out_tile<head_dim, noisy, again, true>(reader, softmax, queries, key_tile(tile % 2),
                                                  lane, block, seen, of_rows, pairs);
    }
    __syncthreads();
  }
  device::wait_for_copies<0>();
  if (again) return;
  if (observed != nullptr) seen.accumulated().fold_into(observed);
  if (running.state != nullptr) device::fold_and_update(seen.accumulated(), running);

#pragma unroll
  for (int half = 0; half < 2; ++half) {
#pragma unroll
    for (int distance = 1; distance <= 2; distance *= 2) {
      of_rows[half].merge(__shfl_xor_sync(0xFFFFFFFFu, of_rows[half].greatest_code, distance),
                          __shfl_xor_sync(0xFFFFFFFFu, of_rows[half].sum, distance), softmax);
    }
    const std::int64_t query = first_query + lane.row + 8 * half;
    if (threadIdx.x % 4 != 0 || query >= extent.queries) continue;
    const float sum = of_rows[half].sum;
    rows.greatest[head.row + query] = of_rows[half].greatest_code - kLift;
    rows.reciprocal_sum[head.row + query] = sum == 0.0f ? 0.0f : 1.0f / sum;
  }
}

template <bool again>
void launch(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
            const HeadRows& k, void* codes, const OpticalAttentionRows& rows,
            cuda::ObservedRange observed, const cuda::RunningRange& running, Stream stream) {
  with_code_type(how.levels, [&](auto code) {
    using Code = decltype(code);
    with_head_dim(how.extent.head_dim, [&](auto head_dim) {
      constexpr int kBytes = 3 * kRows * head_dim * 2;
      const auto kernel = how.noisy ? &score_code_kernel<head_dim, true, again, Code>
                                    : &score_code_kernel<head_dim, false, again, Code>;
      kernel<<<query_grid(how.extent, chunk), kThreads, kBytes, device::native(stream)>>>(
          how, chunk, ScoreNoise(how.qk_noise), q, k, rows, static_cast<Code*>(codes), observed,
          running);
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace

void read_out_scores(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
                     const HeadRows& k, void* codes, const OpticalAttentionRows& rows,
                     cuda::ObservedRange observed, const cuda::RunningRange& running,
                     Stream stream) {
  launch<false>(how, chunk, q, k, codes, rows, observed, running, stream);
}

void read_out_scores_again(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
                           const HeadRows& k, void* codes, Stream stream) {
  launch<true>(how, chunk, q, k, codes, {}, nullptr, {}, stream);
}

}  // namespace kernels::optical_attention

namespace kernels::cuda {

void optical_attention_score_range(const OpticalAttention& how, const HeadRows& q,
                                   const HeadRows& k, bool full, ObservedRange observed,
                                   Stream stream) {
  using namespace optical_attention;
  with_head_dim(how.extent.head_dim, [&](auto head_dim) {
    constexpr int kBytes = 2 * kRows * head_dim * 2;
    const dim3 grid = query_grid(how.extent, {0, tiles_of(how.extent.queries)});
    score_range_kernel<head_dim>
        <<<grid, kThreads, kBytes, device::native(stream)>>>(how, q, k, full, observed);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
