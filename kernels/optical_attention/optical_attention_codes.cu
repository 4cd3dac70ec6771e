// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/optical_attention/attention_codes.cuh"
#include "kernels/optical_attention/tile_products.cuh"
#include "kernels/philox_series.h"

#include <limits>

namespace kernels::optical_attention {
namespace {

using device::Fp16;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kBlocksOfReadOut = 5;  ///< on one multiprocessor
constexpr int kKeysAtOnce = 32;      ///< whose scores a block holds
constexpr int kGroupsAtOnce = kKeysAtOnce / kGroup;

template <int head_dim>
__global__ void __launch_bounds__(kThreads)
    score_range_kernel(OpticalAttention how, HeadRows q, HeadRows k, bool full, int* observed) {
  extern __shared__ unsigned char memory[];
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.y, blockIdx.x);
  const std::int64_t first_query = std::int64_t{blockIdx.z} * kRows;
  const Tile<head_dim> q_tile(first_tile_address(memory)), k_tile = q_tile.after(1);
  TileStream<head_dim, Order::kAsIs>(head_of(q, head.batch, head.head), q.row_stride, first_query,
                                     extent.queries)
      .load(q_tile);
  TileStream<head_dim, Order::kQuads> keys(head_of(k, head.batch, head.kv_head), k.row_stride, 0,
                                           extent.keys);
  const int tiles = full ? static_cast<int>((extent.keys + kRows - 1) / kRows)
                         : visible_tiles(extent, first_query);
  device::RangeAccumulator seen;
  RowFragments<head_dim> queries;
  for (int tile = 0; tile < tiles; ++tile) {
    const std::int64_t first_key = std::int64_t{tile} * kRows;
    keys.load(k_tile);
    device::commit_copies();
    wait_for_tiles();
    if (tile == 0) queries.load(q_tile);
    LaneRows lane;
    lane.look_at(extent, first_query, first_key);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (full && first_query + lane.row + 8 * half < extent.queries) {
        lane.visible[half] = static_cast<int>(min(extent.keys - first_key, std::int64_t{kRows})) -
                             4 * static_cast<int>(threadIdx.x % 4);
      }
    }
    float score[kRows / 8][4];
    multiply_by_rows<Fp16>(queries, k_tile, 0, score);
#pragma unroll
    for (int eight = 0; eight < kRows / 8; ++eight) {
#pragma unroll
      for (int at = 0; at < 4; ++at) {
        const int key = kGroup * (eight / 2) + 2 * (eight % 2) + at % 2;
        if (key < lane.visible[at / 2]) seen.add(score[eight][at]);
      }
    }
    __syncthreads();
  }
  seen.fold_into(observed);
}

/// The sums of one lane's rows r and r + 8 while their codes go by, of 2^(code * step + offset).
/// The offset keeps the powers in fp32's range. Where the whole range of codes has room there it
/// never moves; else it follows the greatest code.
struct RunningRows {
  static constexpr float kRoom = 60;  ///< of exponents of 2

  float step;  ///< of the exponent, for a code in units
  float offset[2], sum[2] = {0, 0};
  bool follows;

  __device__ explicit RunningRows(const Softmax& softmax) : step(softmax.step / kUnits) {
    follows = !(softmax.step * softmax.top <= kRoom);
    offset[0] = offset[1] = follows ? kInfinity : -softmax.step * softmax.top;
  }

  /// Makes room for these codes. `is_hidden(group, eight, at)` ones do not count.
  template <int groups, typename IsHidden>
  __device__ void follow(const float (&code)[groups][2][4], const IsHidden& is_hidden) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float greatest = -kInfinity;
#pragma unroll
      for (int i = 0; i < groups * 4; ++i) {
        const int group = i / 4, eight = i / 2 % 2, at = 2 * half + i % 2;
        if (!is_hidden(group, eight, at)) greatest = fmaxf(greatest, code[group][eight][at]);
      }
      const float wanted = fminf(offset[half], -greatest * step);
      if (offset[half] < kInfinity) sum[half] *= device::exp2_fast(wanted - offset[half]);
      offset[half] = wanted;
    }
  }

  /// Takes over what the neighbouring lanes have of the same rows.
  __device__ void merge(int distance) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float other_offset = __shfl_xor_sync(0xFFFFFFFFu, offset[half], distance);
      const float other_sum = __shfl_xor_sync(0xFFFFFFFFu, sum[half], distance);
      const float both = fminf(offset[half], other_offset);
      const auto moved = [&](float of, float from) {
        return from < kInfinity ? of * device::exp2_fast(both - from) : of;
      };
      sum[half] = moved(sum[half], offset[half]) + moved(other_sum, other_offset);
      offset[half] = both;
    }
  }
};

/// One tile: the scores' codes and, the first time, their extent and what goes into the rows.
/// `block`: of the noise of the lane's first key of the tile, for both rows. `general`: some key is
/// hidden, or the counters have not all the same high word, which is that of `series`.
template <int head_dim, bool noisy, bool again, bool general, typename Code>
__device__ void read_out_tile(const ScoreReader& reader, const ScoreNoise& noise,
                              const NoiseTime& time, const RowFragments<head_dim>& queries,
                              const Tile<head_dim>& keys, const LaneRows& lane,
                              const PhiloxSeries& series, const std::uint64_t (&block)[2],
                              device::ThreadRange& seen, RunningRows& rows, CodePair<Code>* pairs) {
  // Unrolled, the code of a tile would be larger than what the processor keeps of it at hand.
#pragma unroll 1
  for (int first = 0; first < kRows; first += kKeysAtOnce) {
    float score[kKeysAtOnce / 8][4];
    multiply_by_rows<Fp16>(queries, keys, first, score);
    float code[kGroupsAtOnce][2][4];
#pragma unroll
    for (int group = 0; group < kGroupsAtOnce; ++group) {
      const int first_of_group = first + kGroup * group;
      const auto is_hidden = [&](int eight, int at) {
        return general && first_of_group + 2 * eight + at % 2 >= lane.visible[at / 2];
      };
      float lifted[2][4];
#pragma unroll
      for (int eight = 0; eight < 2; ++eight) {
#pragma unroll
        for (int at = 0; at < 4; ++at) lifted[eight][at] = score[2 * group + eight][at];
        if constexpr (!again && !general) seen.add(lifted[eight]);
        if constexpr (!again && general) {
#pragma unroll
          for (int at = 0; at < 4; ++at) {
            if (!is_hidden(eight, at)) seen.add(lifted[eight][at]);
          }
        }
      }
      PhiloxBlock words[2] = {};
      if constexpr (noisy && general) {
        const std::uint64_t both[2] = {block[0] + first_of_group / 4,
                                       block[1] + first_of_group / 4};
        noise_blocks(noise.keys, both, time, words);
      } else if constexpr (noisy) {
        const std::uint32_t both[2] = {static_cast<std::uint32_t>(block[0]) + first_of_group / 4,
                                       static_cast<std::uint32_t>(block[1]) + first_of_group / 4};
        noise_blocks(noise.keys, series, both, words);
      }
      reader.read_out<noisy>(lifted, words, seen.lo, code[group]);
      CodePair<Code> pair;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        pair.put(half, lifted[0][2 * half], lifted[0][2 * half + 1], lifted[1][2 * half],
                 lifted[1][2 * half + 1]);
      }
      pairs[group * kPairsOfKeyGroup] = pair;
    }
    if constexpr (!again) {
      const auto is_hidden = [&](int group, int eight, int at) {
        const int key = first + kGroup * group + 2 * eight + at % 2;
        return general && key >= lane.visible[at / 2];
      };
      if (rows.follows) rows.follow(code, is_hidden);
#pragma unroll
      for (int i = 0; i < kGroupsAtOnce * 8; ++i) {
        const int group = i / 8, eight = i / 4 % 2, at = i % 4;
        if (is_hidden(group, eight, at)) continue;
        rows.sum[at / 2] +=
            device::exp2_fast(fmaf(code[group][eight][at], rows.step, rows.offset[at / 2]));
      }
    }
    pairs += kGroupsAtOnce * kPairsOfKeyGroup;
  }
}

template <int head_dim, bool noisy, bool again, typename Code>
__global__ void __launch_bounds__(kThreads, kBlocksOfReadOut)
    score_code_kernel(OpticalAttention how, QueryChunk chunk,
                      const __grid_constant__ ScoreNoise noise, HeadRows q, HeadRows k,
                      CodeTiles codes, float* exponent, int* observed, cuda::RunningRange running) {
  extern __shared__ unsigned char memory[];
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.y, blockIdx.x);
  const std::int64_t query_tile = query_tile_of_block(chunk);
  const std::int64_t first_query = query_tile * kRows;
  const ScoreReader reader(how);
  const NoiseTime time = device::time_of(noise.stream);
  const int tiles = visible_tiles(extent, first_query);
  const Tile<head_dim> q_tile(first_tile_address(memory));
  const auto key_tile = [&](int tile) { return q_tile.after(1 + tile % 2); };
  TileStream<head_dim, Order::kQuads> keys(head_of(k, head.batch, head.kv_head), k.row_stride, 0,
                                           extent.keys);
  const auto load = [&](int tile) {
    if (tile < tiles) keys.load(key_tile(tile));
    device::commit_copies();
  };

  LaneRows lane;
  const std::uint64_t blocks_of_row = extent.keys / 4;
  const std::uint64_t first_block =
      noise.stream.first_element / 4 + (head.row + first_query) * blocks_of_row;
  const std::uint64_t last_block = first_block + kRows * blocks_of_row - 1;
  const PhiloxSeries series(noise.keys, static_cast<std::uint32_t>(first_block >> 32), time);
  const int simple_tiles =
      first_block >> 32 == last_block >> 32 ? wholly_visible_tiles(extent, first_query) : 0;
  std::uint64_t block[2];
  for (int half = 0; half < 2; ++half) {
    block[half] = first_block + (lane.row + 8 * half) * blocks_of_row + threadIdx.x % 4;
  }
  auto* pairs = reinterpret_cast<CodePair<Code>*>(
                    codes.row<Code>(head.batch * extent.heads + head.head, query_tile)) +
                pair_of_lane();

  TileStream<head_dim, Order::kAsIs>(head_of(q, head.batch, head.head), q.row_stride, first_query,
                                     extent.queries)
      .load(q_tile);
  load(0);
  RowFragments<head_dim> queries;
  RunningRows rows{Softmax(how)};
  device::ThreadRange seen;
  for (int tile = 0; tile < tiles; ++tile) {
    wait_for_tiles();
    if (tile == 0) queries.load(q_tile);
    load(tile + 1);
    if (tile < simple_tiles) {
      read_out_tile<head_dim, noisy, again, false>(reader, noise, time, queries, key_tile(tile),
                                                   lane, series, block, seen, rows, pairs);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      read_out_tile<head_dim, noisy, again, true>(reader, noise, time, queries, key_tile(tile),
                                                  lane, series, block, seen, rows, pairs);
    }
    for (std::uint64_t& of_row : block) of_row += kRows / 4;
    pairs += kTileCodes / 8;
  }
  if (again) return;
  if (observed != nullptr) seen.accumulated().fold_into(observed);
  if (running.state != nullptr) device::fold_and_update(seen.accumulated(), running);

  rows.merge(1);
  rows.merge(2);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    if (threadIdx.x % 4 != 0 || query >= extent.queries) continue;
    const float sum = rows.sum[half];
    exponent[head.row + query] = sum == 0.0f ? -kInfinity : rows.offset[half] - log2f(sum);
  }
}

template <bool again>
void launch(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
            const HeadRows& k, const CodeTiles& codes, float* exponent,
            cuda::ObservedRange observed, const cuda::RunningRange& running, Stream stream) {
  with_code_type(how.levels, [&](auto code) {
    using Code = decltype(code);
    with_head_dim(how.extent.head_dim, [&](auto head_dim) {
      constexpr int kBytes = 3 * Tile<head_dim>::kBytes + kTileAlignment;
      const auto kernel = how.noisy ? &score_code_kernel<head_dim, true, again, Code>
                                    : &score_code_kernel<head_dim, false, again, Code>;
      kernel<<<query_grid(how.extent, chunk), kThreads, kBytes, device::native(stream)>>>(
          how, chunk, ScoreNoise(how.qk_noise), q, k, codes, exponent, observed, running);
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace

void read_out_scores(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
                     const HeadRows& k, const CodeTiles& codes, float* exponent,
                     cuda::ObservedRange observed, const cuda::RunningRange& running,
                     Stream stream) {
  launch<false>(how, chunk, q, k, codes, exponent, observed, running, stream);
}

void read_out_scores_again(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
                           const HeadRows& k, const CodeTiles& codes, Stream stream) {
  launch<true>(how, chunk, q, k, codes, nullptr, nullptr, {}, stream);
}

}  // namespace kernels::optical_attention

namespace kernels::cuda {

void optical_attention_score_range(const OpticalAttention& how, const HeadRows& q,
                                   const HeadRows& k, bool full, ObservedRange observed,
                                   Stream stream) {
  using namespace optical_attention;
  with_head_dim(how.extent.head_dim, [&](auto head_dim) {
    constexpr int kBytes = 2 * Tile<head_dim>::kBytes + kTileAlignment;
    const dim3 grid = query_grid(how.extent, {0, tiles_of(how.extent.queries)});
    score_range_kernel<head_dim>
        <<<grid, kThreads, kBytes, device::native(stream)>>>(how, q, k, full, observed);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
