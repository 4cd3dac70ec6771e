// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/balance.cuh"
#include "kernels/optical_attention/attention_codes.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::optical_attention;
using device::Bf16;
using device::Fp16;

/// One tile: P, its codes, and both sums of values.
template <int head_dim, bool masked, typename Code>
__device__ void weigh_tile(const Softmax& softmax, const CodeTile<Code>& codes,
                           const LaneRows& lane, const float (&top_code)[2],
                           const float (&reciprocal)[2],
                           const Tile<head_dim, Spread::kKeys>& values,
                           const Tile<head_dim, Spread::kKeys>& exact_values,
                           float (&sum)[head_dim / 8][4], float (&exact_sum)[head_dim / 8][4]) {
#pragma unroll
  for (int group = 0; group < kRows / kGroup; ++group) {
    const CodePair<Code> pair = codes.pair(pair_place(lane.row, 4 * group + threadIdx.x % 4));
    float p[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      pair.get(half, p[half]);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        p[half][i] = softmax.exponential(p[half][i], top_code[half]) * reciprocal[half];
        if (masked && kGroup * group + i >= lane.visible[half]) p[half][i] = 0.0f;
      }
    }
    const std::uint32_t exact_p[4] = {Bf16::pack(p[0][0], p[0][1]), Bf16::pack(p[1][0], p[1][1]),
                                      Bf16::pack(p[0][2], p[0][3]), Bf16::pack(p[1][2], p[1][3])};
    // Q(P; (0, 1)) as its code: v = P * top, because (P - 0) / (1 + 1e-8) is P in fp32.
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        p[half][i] = least((p[half][i] * softmax.top + kLift) - kLift, softmax.top);
      }
    }
    const std::uint32_t code[4] = {Fp16::pack(p[0][0], p[0][1]), Fp16::pack(p[1][0], p[1][1]),
                                   Fp16::pack(p[0][2], p[0][3]), Fp16::pack(p[1][2], p[1][3])};
    add_weighted_rows<head_dim, Fp16>(code, values, group, sum);
    add_weighted_rows<head_dim, Bf16>(exact_p, exact_values, group, exact_sum);
  }
}

template <int head_dim, typename Code>
__global__ void __launch_bounds__(kThreads, kBlocksOfContext)
    context_kernel(OpticalAttention how, QueryChunk chunk, const Code* codes, HeadRows v,
                   HeadRows exact_v, float* context, OpticalAttentionRows rows) {
  extern __shared__ __align__(128) unsigned char memory[];
  constexpr int kBytes = kRows * head_dim * 2;
  const std::uint32_t base = device::shared_address(memory);
  const AttentionExtent& extent = how.extent;
  const Head head(extent, blockIdx.z, blockIdx.y);
  const std::int64_t query_tile = query_tile_of_block(chunk);
  const std::int64_t first_query = query_tile * kRows;
  const std::uint16_t* quantised = head_of(v, head.batch, head.kv_head);
  const std::uint16_t* exact = head_of(exact_v, head.batch, head.kv_head);
  const Softmax softmax(how);
  const int tiles = visible_tiles(extent, first_query);
  const std::int64_t row_codes =
      CodeTiles(extent, chunk).first_code(head.batch * extent.heads + head.head, query_tile, 0);

  const auto value_tile = [&](int which, int stage) {
    return Tile<head_dim, Spread::kKeys>{base + (2 * which + stage) * kBytes};
  };
  const auto code_tile = [&](int stage) {
    return CodeTile<Code>{memory + 4 * kBytes + stage * CodeTile<Code>::kBytes};
  };
  const auto load = [&](int tile) {
    if (tile < tiles) {
      const std::int64_t first = std::int64_t{tile} * kRows;
      code_tile(tile % 2).load(codes, row_codes + std::int64_t{tile} * kTileCodes);
      value_tile(0, tile % 2).load(quantised, v.row_stride, first, kRows, extent.keys);
      value_tile(1, tile % 2).load(exact, exact_v.row_stride, first, kRows, extent.keys);
    }
    device::commit_copies();
  };

  LaneRows lane;
  load(0);
  float top_code[2], reciprocal[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t query = first_query + lane.row + 8 * half;
    const bool exists = query < extent.queries;
    top_code[half] = (exists ? rows.greatest[head.row + query] : 0.0f) + kLift;
    reciprocal[half] = exists ? rows.reciprocal_sum[head.row + query] : 0.0f;
  }
  float sum[head_dim / 8][4] = {};
  float exact_sum[head_dim / 8][4] = {};
  for (int tile = 0; tile < tiles; ++tile) {
    load(tile + 1);
    device::wait_for_copies<1>();
    __syncthreads();
    const auto values = value_tile(0, tile % 2), exact_values = value_tile(1, tile % 2);
    if (sees_all(extent, first_query, std::int64_t{tile} * kRows)) {
      weigh_tile<head_dim, false>(softmax, code_tile(tile % 2), lane, top_code, reciprocal, values,
                                  exact_values, sum, exact_sum);
    } else {
      lane.look_at(extent, first_query, std::int64_t{tile} * kRows);
      weigh_tile<head_dim, true>(softmax, code_tile(tile % 2), lane, top_code, reciprocal, values,
                                 exact_values, sum, exact_sum);
    }
    __syncthreads();
  }

  constexpr float kUnitInterval[2] = {0, 1};
  const float value_scale = 1.0f / device::balance(how.v_range, kUnitInterval) / softmax.top;
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
  }
}

void add_context(const OpticalAttention& how, const QueryChunk& chunk, const void* codes,
                 const HeadRows& v, const HeadRows& exact_v, float* context,
                 const OpticalAttentionRows& rows, Stream stream) {
  with_code_type(how.levels, [&](auto code) {
    using Code = decltype(code);
    with_head_dim(how.extent.head_dim, [&](auto head_dim) {
      constexpr int kBytes = 4 * kRows * head_dim * 2 + 2 * CodeTile<Code>::kBytes;
      const auto kernel = &context_kernel<head_dim, Code>;
      PARADIGM_CUDA_CHECK(
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
      kernel<<<query_grid(how.extent, chunk), kThreads, kBytes, device::native(stream)>>>(
          how, chunk, static_cast<const Code*>(codes), v, exact_v, context, rows);
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace

bool optical_attention_fits(const AttentionExtent& extent, std::int32_t levels) {
  return (extent.head_dim == 32 || extent.head_dim == 64) && levels <= 2048 &&
         extent.keys % 4 == 0 && extent.batch <= 65535 && extent.heads <= 65535;
}

bool optical_attention_is_one_chunk(const AttentionExtent& extent) {
  return tiles_of_chunk(extent) >= tiles_of(extent.queries);
}

std::int64_t optical_attention_code_bytes(const AttentionExtent& extent, std::int32_t levels) {
  std::int64_t most = 0;
  for_chunks(extent, [&](const QueryChunk& chunk, bool, bool) {
    most = std::max(most, CodeTiles(extent, chunk).of_head());
  });
  return extent.batch * extent.heads * most * kTileCodes * (levels <= 256 ? 1 : 2);
}

void optical_attention_forward(const OpticalAttention& how, const HeadRows& q, const HeadRows& k,
                               const HeadRows& v, const HeadRows& exact_v, void* codes,
                               float* context, const OpticalAttentionRows& rows,
                               ObservedRange observed, Stream stream, const RunningRange& running) {
  const bool runs = running.state != nullptr;
  if (runs && !optical_attention_is_one_chunk(how.extent)) {
    throw CudaError("optical_attention_forward: a running range, and more than one chunk");
  }
  OpticalAttention reading = how, weighing = how;
  if (runs) {
    reading.qk_range = running.state;
    weighing.qk_range = running.used;  // the state has moved on by then
  }
  for_chunks(how.extent, [&](const QueryChunk& chunk, bool, bool) {
    read_out_scores(reading, chunk, q, k, codes, rows, observed, running, stream);
    add_context(weighing, chunk, codes, v, exact_v, context, rows, stream);
  });
}

}  // namespace kernels::cuda
