// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/attention_tiles.h"

#include "engine/device/parallel_for.h"
#include "engine/paradigms/optical_transformer/cuda_attention.h"
#include "engine/paradigms/optical_transformer/cuda_kernels.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <mutex>

namespace engine::optical_transformer {
namespace {

using kernels::Range;
using kernels::ScoreTile;

constexpr std::int64_t kTileElements =
    65536;  // scores of a tile: 256 KB, the size of a second-level cache
constexpr std::int64_t kLeastRows = 16;
constexpr std::int64_t kMostRows = 128;
constexpr std::int64_t kGrain = 16384;  // scores: a head smaller than this is not worth a thread

/// Some consecutive queries of one head.
struct Place {
  std::int64_t sequence, head, kv_head, first_query;
  ScoreTile tile;
};

std::int64_t rows_per_tile(const AttentionCall& call) {
  return std::clamp(kTileElements / std::max<std::int64_t>(1, call.keys), kLeastRows, kMostRows);
}

/// The tiles of the query heads [first, last) of one sequence, in order. `whole_rows`: also hidden
/// scores are wanted.
void for_tiles(const AttentionCall& call, std::int64_t sequence, std::int64_t first,
               std::int64_t last, bool whole_rows, const std::function<void(const Place&)>& body) {
  const std::int64_t offset = call.causal ? call.keys - call.queries : call.keys;
  const std::int64_t step = rows_per_tile(call);
  for (std::int64_t head = first; head < last; ++head) {
    for (std::int64_t query = 0; query < call.queries; query += step) {
      const std::int64_t rows = std::min(step, call.queries - query);
      const std::int64_t visible = std::clamp<std::int64_t>(query + rows + offset, 0, call.keys);
      body({sequence,
            head,
            head * call.kv_heads / call.heads,
            query,
            {rows, whole_rows ? call.keys : visible, query + offset + 1, call.keys}});
    }
  }
}

std::int64_t heads_per_piece(const AttentionCall& call, std::int64_t heads) {
  return 1 + kGrain / std::max<std::int64_t>(1, heads * call.queries * call.keys);
}

/// for_tiles over all heads of all sequences, heads on different threads.
void for_all_tiles(const AttentionCall& call, bool whole_rows,
                   const std::function<void(const Place&)>& body) {
  parallel_for(call.batch * call.heads, heads_per_piece(call, 1),
               [&](std::int64_t begin, std::int64_t end) {
                 const at::AutoDispatchBelowADInplaceOrView no_autograd;
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t head = i % call.heads;
                   for_tiles(call, i / call.heads, head, head + 1, whole_rows, body);
                 }
               });
}

at::Tensor scratch(const AttentionCall& call) {
  return at::empty({rows_per_tile(call) * call.keys}, at::TensorOptions().dtype(at::kFloat));
}

at::Tensor tile_of(const at::Tensor& memory, const ScoreTile& tile) {
  return memory.narrow(0, 0, tile.rows * tile.cols).view({tile.rows, tile.cols});
}

at::Tensor query_rows(const at::Tensor& tensor, const Place& place) {
  return tensor.select(0, place.sequence)
      .select(0, place.head)
      .narrow(0, place.first_query, place.tile.rows);
}

at::Tensor key_rows(const at::Tensor& tensor, const Place& place) {
  return tensor.select(0, place.sequence).select(0, place.kv_head).narrow(0, 0, place.tile.cols);
}

at::Tensor raw_scores(const at::Tensor& memory, const AttentionOperands& operands,
                      const Place& place) {
  at::Tensor scores = tile_of(memory, place.tile);
  at::mm_out(scores, query_rows(operands.q, place), key_rows(operands.k, place).t());
  return scores;
}

std::int64_t score_index(const AttentionCall& call, const Place& place) {
  const std::int64_t head = place.sequence * call.heads + place.head;
  return (head * call.queries + place.first_query) * call.keys;
}

kernels::ScoreReadOut score_read_out(const AttentionCall& call, const Place& place) {
  return {{.levels = call.levels,
           .range = call.qk_range.const_data_ptr<float>(),
           .noisy = call.noisy,
           .noise = call.qk_noise.at(score_index(call, place)),
           .bias = nullptr,
           .frozen = call.frozen},
          call.scale};
}

/// The softmax as computed in a 16-bit type: each of score, scaled score and probability is rounded
/// to it.
void rounded_probabilities(const AttentionCall& call, const Place& place, const at::Tensor& scores,
                           const at::Tensor& out) {
  const ScoreTile& tile = place.tile;
  const kernels::ReadOut how = score_read_out(call, place).read_out;
  kernels::cpu::read_out(scores.const_data_ptr<float>(), tile.rows, tile.cols, how,
                         out.data_ptr<float>(), tile.cols);
  const at::Tensor hidden = at::ones({tile.rows, tile.cols}, at::TensorOptions().dtype(at::kBool))
                                .triu(tile.first_visible);
  const at::Tensor scaled = out.to(call.softmax_type).mul_(call.scale);
  scaled.masked_fill_(hidden, -std::numeric_limits<double>::infinity());
  out.copy_(at::softmax(scaled, -1)).masked_fill_(hidden, 0);
}

/// P of the tile in `out`, which may be the scores' own memory. Returns the range of the visible
/// scores.
Range probabilities(const AttentionCall& call, const Place& place, const at::Tensor& scores,
                    const at::Tensor& out) {
  if (call.softmax_type == at::kFloat) {
    return kernels::cpu::probabilities(place.tile, scores.const_data_ptr<float>(),
                                       score_read_out(call, place), out.data_ptr<float>());
  }
  const Range visible = kernels::cpu::visible_range(place.tile, scores.const_data_ptr<float>());
  rounded_probabilities(call, place, scores, out);
  return visible;
}

/// How many of the visible scores lie outside the range of their read-out.
std::int64_t clamped_scores(const AttentionCall& call, const ScoreTile& tile, const float* scores) {
  const float* range = call.qk_range.const_data_ptr<float>();
  std::int64_t count = 0;
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    const float* values = scores + row * tile.cols;
    for (std::int64_t i = 0; i < tile.visible(row); ++i) {
      count += values[i] < range[0] || values[i] > range[1] ? 1 : 0;
    }
  }
  return count;
}

std::int64_t visible_scores(const ScoreTile& tile) {
  std::int64_t count = 0;
  for (std::int64_t row = 0; row < tile.rows; ++row) count += tile.visible(row);
  return count;
}

void drop(const AttentionCall& call, const Place& place, const at::Tensor& values) {
  kernels::cpu::drop(place.tile, call.dropout, call.dropout_noise.at(score_index(call, place)),
                     values.data_ptr<float>());
}

Range range_in_scope(const ScoreTile& tile, const float* scores, ScoreScope scope) {
  if (scope == ScoreScope::full) return kernels::cpu::min_max(scores, tile.rows * tile.cols);
  return kernels::cpu::visible_range(tile, scores);
}

at::Tensor quantiles_of(const kernels::Histogram& histogram, const RealPair& quantiles) {
  return range_tensor({histogram.quantile(quantiles.first), histogram.quantile(quantiles.second)});
}

}  // namespace

at::Tensor score_range(const AttentionCall& call, const AttentionOperands& operands,
                       ScoreScope scope, const std::optional<RealPair>& quantiles) {
  if constexpr (kHasCudaKernels) {
    if (operands.q.is_cuda()) return on_cuda::score_range(call, operands, scope, quantiles);
  }
  const bool whole_rows = scope == ScoreScope::full;
  Range extent;
  std::mutex mutex;
  for_all_tiles(call, whole_rows, [&](const Place& place) {
    const at::Tensor memory = scratch(call);
    const at::Tensor scores = raw_scores(memory, operands, place);
    const Range range = range_in_scope(place.tile, scores.const_data_ptr<float>(), scope);
    const std::lock_guard lock(mutex);
    extent = kernels::merge(extent, range);
  });
  if (!quantiles || !is_finite(extent)) return range_tensor(extent);

  kernels::Histogram histogram(extent);
  for_all_tiles(call, whole_rows, [&](const Place& place) {
    const at::Tensor memory = scratch(call);
    const float* scores = raw_scores(memory, operands, place).const_data_ptr<float>();
    kernels::Histogram part(extent);
    for (std::int64_t row = 0; row < place.tile.rows; ++row) {
      const std::int64_t count = whole_rows ? place.tile.cols : place.tile.visible(row);
      part.add(scores + row * place.tile.cols, count);
    }
    const std::lock_guard lock(mutex);
    histogram.merge(part);
  });
  return quantiles_of(histogram, *quantiles);
}

at::Tensor context_accumulator(const AttentionCall& call, const AttentionOperands& operands,
                               ScoreScope scope, ScoreStatistics& observed,
                               bool quantises_probabilities) {
  if constexpr (kHasCudaKernels) {
    if (operands.q.is_cuda()) {
      return on_cuda::context_accumulator(call, operands, scope, observed, quantises_probabilities);
    }
  }
  at::Tensor accumulator = at::empty({call.batch, call.heads, call.queries, call.head_dim},
                                     at::TensorOptions().dtype(at::kFloat));
  constexpr float unit_interval[2] = {0, 1};
  Range range;
  std::int64_t visible = 0;
  std::int64_t clamped = 0;
  std::mutex mutex;
  for_all_tiles(call, scope == ScoreScope::full, [&](const Place& place) {
    const at::Tensor memory = scratch(call);
    const at::Tensor scores = raw_scores(memory, operands, place);
    float* p = scores.data_ptr<float>();
    const std::int64_t clamped_here = call.counts_clamped ? clamped_scores(call, place.tile, p) : 0;
    Range seen;
    if (scope == ScoreScope::full) seen = range_in_scope(place.tile, p, scope);
    const Range range_of_visible = probabilities(call, place, scores, scores);
    if (scope == ScoreScope::causal) seen = range_of_visible;
    if (call.dropout > 0) drop(call, place, scores);
    if (quantises_probabilities) {
      kernels::cpu::quantise(p, place.tile.rows * place.tile.cols, call.levels, unit_interval, 0,
                             p);
    }
    at::Tensor rows = query_rows(accumulator, place);
    at::mm_out(rows, scores, key_rows(operands.v, place));
    const std::lock_guard lock(mutex);
    range = kernels::merge(range, seen);
    clamped += clamped_here;
    if (call.counts_clamped) visible += visible_scores(place.tile);
  });
  observed = {range_tensor(range), visible, at::scalar_tensor(clamped, at::kLong)};
  return accumulator;
}

at::Tensor context_range(const at::Tensor& accumulator, const std::optional<RealPair>& quantiles) {
  if (accumulator.is_cuda()) return observed_range(accumulator, quantiles);
  const float* values = accumulator.const_data_ptr<float>();
  const Range extent = kernels::cpu::min_max(values, accumulator.numel());
  if (!quantiles || !is_finite(extent)) return range_tensor(extent);
  kernels::Histogram histogram(extent);
  histogram.add(values, accumulator.numel());
  return quantiles_of(histogram, *quantiles);
}

at::Tensor context_read_out([[maybe_unused]] const AttentionCall& call,
                            [[maybe_unused]] const at::Tensor& accumulator,
                            [[maybe_unused]] const RangeUpdate& range) {
  if constexpr (kHasCudaKernels) return on_cuda::context_read_out(call, accumulator, range);
  return {};
}

at::Tensor context_read_out(const AttentionCall& call, const at::Tensor& accumulator,
                            at::Tensor& observed) {
  if constexpr (kHasCudaKernels) {
    if (accumulator.is_cuda()) return on_cuda::context_read_out(call, accumulator, observed);
  }
  const std::int64_t width = call.heads * call.head_dim;
  const at::Tensor y = at::empty({call.batch, call.queries, width}, accumulator.options());
  const float* bounds = call.av_range.const_data_ptr<float>();
  const float* values = accumulator.const_data_ptr<float>();
  float* out = y.data_ptr<float>();
  Range extent;
  std::mutex mutex;
  parallel_for(call.batch * call.heads, heads_per_piece(call, 1),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t first = i * call.queries * call.head_dim;
                   const std::int64_t sequence = i / call.heads;
                   const std::int64_t head = i % call.heads;
                   const kernels::ReadOut how{.levels = call.levels,
                                              .range = bounds,
                                              .noisy = call.noisy,
                                              .noise = call.av_noise.at(first),
                                              .bias = nullptr,
                                              .frozen = call.frozen};
                   float* head_out = out + sequence * call.queries * width + head * call.head_dim;
                   const Range range = kernels::cpu::read_out(values + first, call.queries,
                                                              call.head_dim, how, head_out, width);
                   const std::lock_guard lock(mutex);
                   extent = kernels::merge(extent, range);
                 }
               });
  observed = range_tensor(extent);
  return y;
}

at::Tensor frozen_score_range(const AttentionCall& call, const at::Tensor& raw) {
  const kernels::ReadOut how{.levels = call.levels,
                             .range = call.qk_range.const_data_ptr<float>(),
                             .noisy = call.noisy,
                             .noise = call.qk_noise,
                             .frozen = call.frozen};
  at::Tensor ignored;
  return read_out(raw.clone().view({1, 2}), how, at::kFloat, ignored).view({2});
}

AttentionGradient attention_gradient(const AttentionCall& call, const AttentionOperands& quantised,
                                     const AttentionOperands& exact, const at::Tensor& gradient) {
  if constexpr (kHasCudaKernels) {
    if (gradient.is_cuda()) return on_cuda::attention_gradient(call, quantised, exact, gradient);
  }
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const std::int64_t group = call.heads / call.kv_heads;
  AttentionGradient result{
      at::empty({call.batch, call.heads, call.queries, call.head_dim}, options),
      at::zeros({call.batch, call.kv_heads, call.keys, call.head_dim}, options),
      at::zeros({call.batch, call.kv_heads, call.keys, call.head_dim}, options)};
  const float* bounds = call.qk_range.const_data_ptr<float>();

  const auto one_tile = [&](const Place& place) {
    const ScoreTile& tile = place.tile;
    const at::Tensor memory[3] = {scratch(call), scratch(call), scratch(call)};
    const at::Tensor g = query_rows(gradient, place);
    const at::Tensor scores = raw_scores(memory[0], quantised, place);
    const at::Tensor p = tile_of(memory[1], tile);
    probabilities(call, place, scores, p);
    at::Tensor d_scores = tile_of(memory[2], tile);
    at::mm_out(d_scores, g, key_rows(exact.v, place).t());
    at::Tensor kept = p;
    if (call.dropout > 0) {
      kept = p.clone();
      drop(call, place, kept);
      if (call.clip) d_scores.masked_fill_(at::gt(kept, 1), 0);
      drop(call, place, d_scores);
    }
    key_rows(result.dv, place).addmm_(kept.t(), g);
    kernels::cpu::score_gradient(tile, p.const_data_ptr<float>(), call.scale,
                                 scores.const_data_ptr<float>(), call.clip ? bounds : nullptr,
                                 d_scores.data_ptr<float>());
    at::Tensor dq = query_rows(result.dq, place);
    at::mm_out(dq, d_scores, key_rows(exact.k, place));
    key_rows(result.dk, place).addmm_(d_scores.t(), query_rows(exact.q, place));
  };

  // Heads that share a key/value head run in turn on one thread: their sums always come in the same
  // order.
  parallel_for(call.batch * call.kv_heads, heads_per_piece(call, group),
               [&](std::int64_t begin, std::int64_t end) {
                 const at::AutoDispatchBelowADInplaceOrView no_autograd;
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t kv_head = i % call.kv_heads;
                   for_tiles(call, i / call.kv_heads, kv_head * group, (kv_head + 1) * group, false,
                             one_tile);
                 }
               });
  return result;
}

}  // namespace engine::optical_transformer
