// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of the context that a block has summed: 64 queries, in the order of a product.
#pragma once

#include "kernels/optical_attention/attention_tiles.cuh"
#include "kernels/optical_attention/score_read_out.cuh"

namespace kernels::optical_attention {

/// Stored in fp32.
template <int head_dim>
struct StoredContext {
  float* context;

  __device__ void take(const Head& head, const AttentionExtent& extent, std::int64_t first_query,
                       const float (&sum)[head_dim / 8][4]) const {
    const int column = 2 * (threadIdx.x % 4);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int64_t query = first_query + LaneRows().row + 8 * half;
      if (query >= extent.queries) continue;
      float* const row = context + (head.row + query) * head_dim + column;
#pragma unroll
      for (int n = 0; n < head_dim / 8; ++n) {
        *reinterpret_cast<float2*>(row + 8 * n) =
            make_float2(sum[n][2 * half], sum[n][2 * half + 1]);
      }
    }
  }
};

/// Read out in a running range, rounded to bf16. A block of noise serves the columns of two lanes:
/// each draws one of its two rows, and they exchange halves.
template <int head_dim>
struct ReadOutContext {
  PhiloxRoundKeys keys;
  NoiseStream noise;
  std::int32_t levels;
  bool noisy;
  cuda::RunningRange running;
  ResultRows y;

  explicit ReadOutContext(const cuda::ContextReadOut& read_out)
      : keys(read_out.how.noise.key),
        noise(read_out.how.noise),
        levels(read_out.how.levels),
        noisy(read_out.how.noisy),
        running(read_out.running),
        y(read_out.y) {}

  __device__ void take(const Head& head, const AttentionExtent& extent, std::int64_t first_query,
                       const float (&sum)[head_dim / 8][4]) const {
    const FastLevelGrid grid(running.state, levels);
    const NoiseTime time = device::time_of(noise);
    const int lane = threadIdx.x % 4;
    const bool is_odd = lane % 2 == 1;
    const std::int64_t first_row = first_query + LaneRows().row;
    const std::uint64_t drawn_row = head.row + first_row + (is_odd ? 8 : 0);
    const std::uint64_t first_block =
        noise.first_element / 4 + drawn_row * (head_dim / 4) + lane / 2;
    device::ThreadRange seen;
#pragma unroll
    for (int n = 0; n < head_dim / 8; ++n) {
      std::uint32_t words[2][2] = {};  // [row][column]
      if (noisy) {
        const std::uint64_t block[1] = {first_block + 2 * n};
        PhiloxBlock drawn[1];
        noise_blocks(keys, block, time, drawn);
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const std::uint32_t low = drawn[0].word[i], high = drawn[0].word[2 + i];
          const std::uint32_t other = __shfl_xor_sync(0xFFFFFFFFu, is_odd ? low : high, 1);
          words[0][i] = is_odd ? other : low;
          words[1][i] = is_odd ? high : other;
        }
      }
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        if (first_row + 8 * half >= extent.queries) continue;
        float level[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const float value = sum[n][2 * half + i];
          seen.add(value);
          level[i] = grid.level(value, noisy ? uniform_from_word(words[half][i]) - 0.5f : 0.0f);
        }
        *word_of(y, head.batch, head.head, first_row + 8 * half, 8 * n + 2 * lane) =
            device::Bf16::pack(level[0], level[1]);
      }
    }
    device::fold_and_update(seen.accumulated(), running);
  }
};

}  // namespace kernels::optical_attention
