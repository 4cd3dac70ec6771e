// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/optical_attention/attention_codes.cuh"

namespace kernels::cuda {
using namespace kernels::optical_attention;

bool optical_attention_fits(const AttentionExtent& extent, std::int32_t levels) {
  return (extent.head_dim == 32 || extent.head_dim == 64) && levels <= 2048 &&
         extent.keys % 4 == 0 && extent.batch <= 65535 && extent.heads <= 65535;
}

bool optical_attention_is_one_chunk(const AttentionExtent& extent) {
  return tiles_of_chunk(extent) >= tiles_of(extent.queries);
}

CodeBytes optical_attention_code_bytes(const AttentionExtent& extent, std::int32_t levels,
                                       std::int64_t kept_queries) {
  OpticalAttention how;
  how.extent = extent;
  how.levels = levels;
  CodeBytes bytes;
  for_chunks(extent, [&](const QueryChunk& chunk, bool, bool) {
    const CodeTiles tiles(how, chunk, {nullptr, kept_queries, nullptr});
    bytes.kept = tiles.kept_bytes_of_head();
    bytes.rest = std::max(bytes.rest, tiles.rest_bytes_of_head());
  });
  bytes.kept *= extent.batch * extent.heads;
  bytes.rest *= extent.batch * extent.heads;
  return bytes;
}

std::int64_t optical_attention_kept_queries(const AttentionExtent& extent, std::int32_t levels,
                                            std::int64_t most_bytes) {
  if (!optical_attention_is_one_chunk(extent)) return 0;
  std::int64_t kept = 0;
  while (kept < extent.queries) {
    const std::int64_t more = std::min(kept + kRows, extent.queries);
    if (optical_attention_code_bytes(extent, levels, more).kept > most_bytes) break;
    kept = more;
  }
  return kept;
}

std::int64_t optical_attention_code_index(const AttentionExtent& extent, std::int64_t head,
                                          std::int64_t query, std::int64_t key) {
  OpticalAttention how;
  how.extent = extent;
  const CodeTiles tiles(how, {0, tiles_of(extent.queries)}, {});
  const std::int64_t tile =
      head * tiles.before(tiles.end) + tiles.before(query / kRows) + key / kRows;
  const int row = static_cast<int>(query % kRows), column = static_cast<int>(key % kRows);
  return tile * kTileCodes + 8 * pair_place(row, column / 4) + row % 16 / 8 * 4 + column % 4;
}

void optical_attention_forward(const OpticalAttention& how, const HeadRows& q, const HeadRows& k,
                               const HeadRows& v, const HeadRows& exact_v,
                               const AttentionCodes& codes, float* context,
                               const OpticalAttentionRows& rows, ObservedRange observed,
                               Stream stream) {
  for_chunks(how.extent, [&](const QueryChunk& chunk, bool, bool) {
    const CodeTiles tiles(how, chunk, codes);
    read_out_scores(how, chunk, q, k, tiles, rows.exponent, observed, {}, stream);
    add_context(how, chunk, tiles, v, exact_v, context, rows, stream);
  });
}

void optical_attention_forward(const OpticalAttention& how, const HeadRows& q, const HeadRows& k,
                               const HeadRows& v, const HeadRows& exact_v,
                               const AttentionCodes& codes, const ContextReadOut& read_out,
                               const OpticalAttentionRows& rows, const RunningRange& running,
                               Stream stream) {
  if (!optical_attention_is_one_chunk(how.extent)) {
    throw CudaError("optical_attention_forward: a running range, and more than one chunk");
  }
  const QueryChunk all{0, tiles_of(how.extent.queries)};
  const CodeTiles tiles(how, all, codes);
  OpticalAttention reading = how, weighing = how;
  reading.qk_range = running.state;
  weighing.qk_range = running.used;  // the state has moved on by then
  read_out_scores(reading, all, q, k, tiles, rows.exponent, nullptr, running, stream);
  read_out_context(weighing, all, tiles, v, exact_v, read_out, rows, stream);
}

}  // namespace kernels::cuda
