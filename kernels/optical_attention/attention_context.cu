// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/balance.cuh"
#include "kernels/optical_attention/attention_codes.cuh"
#include "kernels/optical_attention/context_results.cuh"
#include "kernels/optical_attention/tile_products.cuh"

namespace kernels::optical_attention {
namespace {

using device::Bf16;
using device::Fp16;

constexpr int kBlocksOfContext = 4;  ///< on one multiprocessor

/// One tile: P, its codes, and both sums of values.
template <int head_dim, bool masked, typename Code>
__device__ void weigh_tile(const Softmax& softmax, const PairStream<Code>& codes,
                           const LaneRows& lane, const float (&exponent)[2],
                           const Tile<head_dim>& values, const Tile<head_dim>& exact_values,
                           float (&sum)[head_dim / 8][4], float (&exact_sum)[head_dim / 8][4]) {
  std::uint32_t weights[kRows / kGroup][4], exact_weights[kRows / kGroup][4];
#pragma unroll
  for (int group = 0; group < kRows / kGroup; ++group) {
    float p[2][4], code[2][4];
#pragma unroll
    for (int eight = 0; eight < 2; ++eight) {
#pragma unroll
      for (int at = 0; at < 4; ++at) {
        const int key = 2 * eight + at % 2;
        p[eight][at] =
            softmax.power(codes.group[group].get(at / 2, key, softmax.lift), exponent[at / 2]);
        // Q(P; (0, 1)) as its code: v = P * top, because (P - 0) / (1 + 1e-8) is P in fp32. P is
        // no more than 1 by more than rounding, which half a code covers.
        code[eight][at] = fmaf(p[eight][at], softmax.top, kLift) - kLift;
        if (masked && kGroup * group + key >= lane.visible[at / 2]) {
          p[eight][at] = code[eight][at] = 0.0f;
        }
      }
    }
    pack_weights<Fp16>(code[0], code[1], weights[group]);
    pack_weights<Bf16>(p[0], p[1], exact_weights[group]);
  }
  start_weighted_rows<Fp16>(weights, values, 0, sum);
  start_weighted_rows<Bf16>(exact_weights, exact_values, 0, exact_sum);
  finish_weighted_rows(sum, weights);
  finish_weighted_rows(exact_sum, exact_weights);
}

template <int head_dim, typename Code, typename Result>
__global__ void __launch_bounds__(kThreads, kBlocksOfContext)
    context_kernel(OpticalAttention how, QueryChunk chunk, CodeTiles codes, HeadRows v,
                   HeadRows exact_v, const __grid_constant__ Result result,
                   OpticalAttentionRows rows) {
  extern __shared__ unsigned char memory[];
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.y, blockIdx.x);
  const std::int64_t query_tile = query_tile_of_block(chunk);
  const std::int64_t first_query = query_tile * kRows;
  const Softmax softmax(how);
  const int tiles = visible_tiles(extent, first_query);
  const int simple_tiles = wholly_visible_tiles(extent, first_query);

  const Tile<head_dim> first_tile(first_tile_address(memory));
  const auto value_tile = [&](int tile) { return first_tile.after(tile % 2); };
  const auto exact_tile = [&](int tile) { return first_tile.after(2 + tile % 2); };
  const auto values_of = [&](const HeadRows& matrix) {
    return TileStream<head_dim, Order::kQuads>(head_of(matrix, head.batch, head.kv_head),
                                               matrix.row_stride, 0, extent.keys);
  };
  auto values = values_of(v), exact_values = values_of(exact_v);
  PairStream<Code> next_codes(
      codes.row<const Code>(head.batch * extent.heads + head.head, query_tile));
  const auto load = [&](int tile) {
    if (tile < tiles) {
      values.load(value_tile(tile));
      exact_values.load(exact_tile(tile));
      next_codes.load();
    }
    device::commit_copies();
  };

  LaneRows lane;
  load(0);
  float exponent[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    exponent[half] = query < extent.queries ? rows.exponent[head.row + query] : 0.0f;
  }
  float sum[head_dim / 8][4] = {}, exact_sum[head_dim / 8][4] = {};
  for (int tile = 0; tile < tiles; ++tile) {
    wait_for_tiles();
    const PairStream<Code> tile_codes = next_codes;
    load(tile + 1);
    if (tile < simple_tiles) {
      weigh_tile<head_dim, false>(softmax, tile_codes, lane, exponent, value_tile(tile),
                                  exact_tile(tile), sum, exact_sum);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      weigh_tile<head_dim, true>(softmax, tile_codes, lane, exponent, value_tile(tile),
                                 exact_tile(tile), sum, exact_sum);
    }
  }

  constexpr float kUnitInterval[2] = {0, 1};
  const float value_scale = 1.0f / device::balance(how.v_range, kUnitInterval) / softmax.top;
#pragma unroll
  for (int n = 0; n < head_dim / 8; ++n)
    for (int at = 0; at < 4; ++at) sum[n][at] *= value_scale;
  result.take(head, extent, first_query, sum);
  auto* const exact_context = static_cast<std::uint32_t*>(rows.exact_context);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    if (query >= extent.queries) continue;
    const std::int64_t first_pair = (head.row + query) * (head_dim / 2) + threadIdx.x % 4;
#pragma unroll
    for (int n = 0; n < head_dim / 8; ++n) {
      exact_context[first_pair + 4 * n] =
          Bf16::pack(exact_sum[n][2 * half], exact_sum[n][2 * half + 1]);
    }
  }
}

/// `result(head_dim)` is what becomes of the sums.
template <typename MakeResult>
void launch(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
            const HeadRows& v, const HeadRows& exact_v, const OpticalAttentionRows& rows,
            Stream stream, const MakeResult& result) {
  with_code_type(how.levels, [&](auto code) {
    with_head_dim(how.extent.head_dim, [&](auto head_dim) {
      constexpr int kBytes = 4 * Tile<head_dim>::kBytes + kTileAlignment;
      const auto made = result(head_dim);
      context_kernel<head_dim, decltype(code)>
          <<<query_grid(how.extent, chunk), kThreads, kBytes, device::native(stream)>>>(
              how, chunk, codes, v, exact_v, made, rows);
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace

void add_context(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
                 const HeadRows& v, const HeadRows& exact_v, float* context,
                 const OpticalAttentionRows& rows, Stream stream) {
  launch(how, chunk, codes, v, exact_v, rows, stream,
         [&](auto head_dim) { return StoredContext<head_dim>{context}; });
}

void read_out_context(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
                      const HeadRows& v, const HeadRows& exact_v,
                      const cuda::ContextReadOut& read_out, const OpticalAttentionRows& rows,
                      Stream stream) {
  launch(how, chunk, codes, v, exact_v, rows, stream,
         [&](auto head_dim) { return ReadOutContext<head_dim>(read_out); });
}

}  // namespace kernels::optical_attention
