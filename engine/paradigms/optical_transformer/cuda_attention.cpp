// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/cuda_attention.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/paradigms/optical_transformer/cuda_kernels.h"
#include "engine/paradigms/optical_transformer/cuda_scope.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>

namespace engine::optical_transformer::on_cuda {
namespace {

using kernels::cuda::ScoreTiles;

constexpr std::int64_t kTileScores = 1 << 24;  // 64 MB of fp32: fills the device, is soon reused
constexpr std::int64_t kLeastRows = 16;        // queries of a head, as a matrix unit takes them

/// Consecutive queries of every head of consecutive sequences.
struct Place {
  std::int64_t first_sequence, sequences, first_query;
  ScoreTiles heads;
  std::int64_t element;  ///< index of its first score, for the noise
};

std::int64_t visible_scores(const Place& place) {
  std::int64_t count = 0;
  const kernels::ScoreTile& tile = place.heads.tile;
  for (std::int64_t row = 0; row < tile.rows; ++row) count += tile.visible(row);
  return count * place.heads.count;
}

/// Calls body(place) for all of them, in order. `whole_rows`: also hidden scores are wanted.
template <typename Body>
void for_tiles(const AttentionCall& call, bool whole_rows, const Body& body) {
  const std::int64_t offset = call.causal ? call.keys - call.queries : call.keys;
  const std::int64_t row_of_all_heads = std::max<std::int64_t>(1, call.heads * call.keys);
  const std::int64_t sequences =
      std::clamp<std::int64_t>(kTileScores / (kLeastRows * row_of_all_heads), 1, call.batch);
  const std::int64_t fitting = kTileScores / (sequences * row_of_all_heads);
  const std::int64_t rows = std::max(kLeastRows, fitting / kLeastRows * kLeastRows);
  for (std::int64_t first = 0; first < call.batch; first += sequences) {
    for (std::int64_t query = 0; query < call.queries; query += rows) {
      Place place;
      place.first_sequence = first;
      place.sequences = std::min(sequences, call.batch - first);
      place.first_query = query;
      kernels::ScoreTile& tile = place.heads.tile;
      tile.rows = std::min(rows, call.queries - query);
      const std::int64_t visible =
          std::clamp<std::int64_t>(query + tile.rows + offset, 0, call.keys);
      tile.cols = whole_rows ? call.keys : visible;
      tile.first_visible = query + offset + 1;
      tile.keys = call.keys;
      place.heads.count = place.sequences * call.heads;
      place.heads.element_step = call.queries * call.keys;
      place.element = first * call.heads * call.queries * call.keys + query * call.keys;
      body(place);
    }
  }
}

/// Batched a·b, accumulated and returned in fp32.
at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == at::kFloat ? at::bmm(a, b) : at::bmm(a, b, at::kFloat);
}

/// The place's queries of [B, H, S_q, D] as [sequences·H_kv, (H / H_kv)·rows, D]: heads that share
/// a key/value head are one matrix.
at::Tensor query_rows(const AttentionCall& call, const at::Tensor& tensor, const Place& place) {
  return tensor.narrow(0, place.first_sequence, place.sequences)
      .narrow(2, place.first_query, place.heads.tile.rows)
      .reshape({place.sequences * call.kv_heads, -1, call.head_dim});
}

void store_query_rows(const AttentionCall& call, const at::Tensor& rows, const Place& place,
                      const at::Tensor& into) {
  into.narrow(0, place.first_sequence, place.sequences)
      .narrow(2, place.first_query, place.heads.tile.rows)
      .copy_(rows.view({place.sequences, call.heads, place.heads.tile.rows, call.head_dim}));
}

/// The keys that the place's queries may see, of contiguous [B, H_kv, S_k, D]: a view.
at::Tensor key_rows(const AttentionCall& call, const at::Tensor& tensor, const Place& place) {
  return tensor.narrow(0, place.first_sequence, place.sequences)
      .narrow(2, 0, place.heads.tile.cols)
      .view({place.sequences * call.kv_heads, place.heads.tile.cols, call.head_dim});
}

/// Keys and values as key_rows() wants them, the keys in the queries' type.
AttentionOperands contiguous(const AttentionOperands& operands) {
  AttentionOperands result = operands;
  result.k = operands.k.to(operands.q.scalar_type()).contiguous();
  result.v = operands.v.contiguous();
  return result;
}

at::Tensor raw_scores(const AttentionCall& call, const AttentionOperands& operands,
                      const Place& place) {
  return product(query_rows(call, operands.q, place),
                 key_rows(call, operands.k, place).transpose(1, 2));
}

kernels::ScoreReadOut score_read_out(const AttentionCall& call, const Place& place) {
  return {{.levels = call.levels,
           .range = call.qk_range.const_data_ptr<float>(),
           .noisy = call.noisy,
           .noise = call.qk_noise.at(place.element),
           .bias = nullptr,
           .frozen = call.frozen},
          call.scale};
}

/// Bool [rows, cols] by query and key.
at::Tensor hidden_scores(const Place& place, const at::Tensor& on_device_of) {
  const kernels::ScoreTile& tile = place.heads.tile;
  return at::ones({tile.rows, tile.cols}, on_device_of.options().dtype(at::kBool))
      .triu(tile.first_visible);
}

/// By head: the shape in which a mask of queries and keys applies.
at::Tensor by_head(const at::Tensor& scores, const Place& place) {
  const kernels::ScoreTile& tile = place.heads.tile;
  return scores.view({place.heads.count, tile.rows, tile.cols});
}

/// The softmax as computed in a 16-bit type: each of score, scaled score and probability is rounded
/// to it. The read-out's noise is frozen then.
at::Tensor rounded_probabilities(const AttentionCall& call, const Place& place,
                                 const at::Tensor& scores, const CudaScope& scope) {
  const at::Tensor level = at::empty_like(scores);
  kernels::cuda::read_out(scores.const_data_ptr<float>(), 1, scores.numel(),
                          score_read_out(call, place).read_out, level.data_ptr<float>(),
                          kernels::ElementType::fp32, nullptr, scope.stream());
  const at::Tensor hidden = hidden_scores(place, scores);
  const at::Tensor scaled = by_head(level, place).to(call.softmax_type).mul_(call.scale);
  scaled.masked_fill_(hidden, -std::numeric_limits<double>::infinity());
  return at::softmax(scaled, -1).to(at::kFloat).masked_fill_(hidden, 0).view(scores.sizes());
}

void observe_visible(const Place& place, const at::Tensor& scores,
                     kernels::cuda::ObservedRange observed, const CudaScope& scope) {
  kernels::cuda::observe_visible(place.heads, scores.const_data_ptr<float>(), observed,
                                 scope.stream());
}

/// P in fp32, in new memory or in that of the scores. Folds the range of the visible scores into
/// `observed` unless it is null.
at::Tensor probabilities(const AttentionCall& call, const Place& place, const at::Tensor& scores,
                         bool keeps_scores, kernels::cuda::ObservedRange observed,
                         const CudaScope& scope) {
  if (call.softmax_type != at::kFloat) {
    if (observed != nullptr) observe_visible(place, scores, observed, scope);
    return rounded_probabilities(call, place, scores, scope);
  }
  const at::Tensor p = keeps_scores ? at::empty_like(scores) : scores;
  kernels::cuda::probabilities(place.heads, scores.const_data_ptr<float>(),
                               score_read_out(call, place), {}, p.data_ptr<float>(),
                               kernels::ElementType::fp32, observed, scope.stream());
  return p;
}

void drop(const AttentionCall& call, const Place& place, const at::Tensor& values,
          const CudaScope& scope) {
  kernels::cuda::drop(place.heads, call.dropout, call.dropout_noise.at(place.element),
                      values.data_ptr<float>(), scope.stream());
}

/// What the product with v takes: dropped out, quantised to the levels of (0, 1) if `quantises`, in
/// the type of v. Uses up the scores, whose visible range goes into `observed` unless it is null.
at::Tensor probability_operand(const AttentionCall& call, const Place& place,
                               const at::Tensor& scores, const AttentionOperands& operands,
                               bool quantises, kernels::cuda::ObservedRange observed,
                               const CudaScope& scope) {
  const c10::ScalarType type = operands.v.scalar_type();
  if (call.dropout > 0 || call.softmax_type != at::kFloat || !quantises) {
    const at::Tensor p = probabilities(call, place, scores, false, observed, scope);
    if (call.dropout > 0) drop(call, place, p, scope);
    if (!quantises) return p.to(type);
    return quantised(p, call.levels, operands.probability_range, 0, type, operands.value_range);
  }
  const bool balances = type != at::kFloat;
  const at::Tensor p = balances ? at::empty_like(scores, scores.options().dtype(type)) : scores;
  kernels::cuda::probabilities(
      place.heads, scores.const_data_ptr<float>(), score_read_out(call, place),
      {call.levels, balances ? operands.value_range.const_data_ptr<float>() : nullptr},
      p.data_ptr(), element_type_of(p), observed, scope.stream());
  return p;
}

/// Counts the visible scores, and those of them that lie outside the range of their read-out.
void add_clamped(const AttentionCall& call, const Place& place, const at::Tensor& scores,
                 ScoreStatistics& observed, const CudaScope& scope) {
  observed.visible += visible_scores(place);
  if (!observed.clamped.defined()) {
    observed.clamped = at::zeros({}, scores.options().dtype(at::kLong));
  }
  kernels::cuda::count_visible_outside(
      place.heads, scores.const_data_ptr<float>(), call.qk_range.const_data_ptr<float>(),
      reinterpret_cast<unsigned long long*>(observed.clamped.data_ptr<std::int64_t>()),
      scope.stream());
}

}  // namespace

at::Tensor score_range(const AttentionCall& call, const AttentionOperands& given,
                       ScoreScope score_scope, const std::optional<RealPair>& quantiles) {
  const CudaScope scope(given.q);
  const AttentionOperands operands = contiguous(given);
  const bool whole_rows = score_scope == ScoreScope::full;
  const Observation observation(given.q, scope);
  for_tiles(call, whole_rows, [&](const Place& place) {
    const at::Tensor scores = raw_scores(call, operands, place);
    if (whole_rows) {
      observation.add(scores);
    } else {
      observe_visible(place, scores, observation.pointer(), scope);
    }
  });
  const at::Tensor extent = observation.range();
  if (!quantiles) return extent;

  const DeviceHistogram histogram(extent, scope);
  for_tiles(call, whole_rows, [&](const Place& place) {
    const at::Tensor scores = raw_scores(call, operands, place);
    if (whole_rows) {
      histogram.add(scores);
    } else {
      kernels::cuda::count_visible(place.heads, scores.const_data_ptr<float>(), histogram.extent(),
                                   histogram.counts(), scope.stream());
    }
  });
  return histogram.quantiles(quantiles->first, quantiles->second);
}

at::Tensor context_accumulator(const AttentionCall& call, const AttentionOperands& given,
                               ScoreScope score_scope, ScoreStatistics& observed,
                               bool quantises_probabilities) {
  const CudaScope scope(given.q);
  const AttentionOperands operands = contiguous(given);
  const at::Tensor accumulator = at::empty({call.batch, call.heads, call.queries, call.head_dim},
                                           given.q.options().dtype(at::kFloat));
  const Observation observation(given.q, scope);
  observed = {};
  const bool whole_rows = score_scope == ScoreScope::full;
  for_tiles(call, whole_rows, [&](const Place& place) {
    const at::Tensor scores = raw_scores(call, operands, place);
    if (whole_rows) observation.add(scores);
    if (call.counts_clamped) add_clamped(call, place, scores, observed, scope);
    const at::Tensor p = probability_operand(call, place, scores, operands, quantises_probabilities,
                                             whole_rows ? nullptr : observation.pointer(), scope);
    store_query_rows(call, product(p, key_rows(call, operands.v, place)), place, accumulator);
  });
  observed.range = observation.range();
  return accumulator;
}

void count_clamped(const AttentionCall& whole, const AttentionOperands& given,
                   ScoreStatistics& observed) {
  const CudaScope scope(given.q);
  AttentionCall call = whole;
  call.batch = std::clamp<std::int64_t>(kTileScores / (call.heads * call.queries * call.keys), 1,
                                        whole.batch);
  AttentionOperands first = given;
  for (at::Tensor* each : {&first.q, &first.k, &first.v}) *each = each->narrow(0, 0, call.batch);
  const AttentionOperands operands = contiguous(first);
  for_tiles(call, false, [&](const Place& place) {
    add_clamped(call, place, raw_scores(call, operands, place), observed, scope);
  });
}

namespace {

/// Calls `launch` with the rule, its rows and columns and the result; returns that in the order of
/// the output projection.
template <typename Launch>
at::Tensor with_context_read_out(const AttentionCall& call, const at::Tensor& accumulator,
                                 Launch&& launch) {
  const kernels::ReadOut how{.levels = call.levels,
                             .range = call.av_range.const_data_ptr<float>(),
                             .noisy = call.noisy,
                             .noise = call.av_noise,
                             .bias = nullptr,
                             .frozen = call.frozen};
  const at::Tensor y =
      at::empty(accumulator.sizes(), accumulator.options().dtype(call.output_type));
  launch(how, accumulator.numel() / call.head_dim, y);
  return y.transpose(1, 2).reshape({call.batch, call.queries, call.heads * call.head_dim});
}

}  // namespace

at::Tensor context_read_out(const AttentionCall& call, const at::Tensor& accumulator,
                            at::Tensor& observed) {
  const CudaScope scope(accumulator);
  const Observation observation(accumulator, scope);
  const at::Tensor result = with_context_read_out(
      call, accumulator, [&](const kernels::ReadOut& how, std::int64_t rows, const at::Tensor& y) {
        kernels::cuda::read_out(accumulator.const_data_ptr<float>(), rows, call.head_dim, how,
                                y.data_ptr(), element_type_of(y), observation.pointer(),
                                scope.stream());
      });
  observed = observation.range();
  return result;
}

at::Tensor context_read_out(const AttentionCall& call, const at::Tensor& accumulator,
                            const RangeUpdate& range) {
  const CudaScope scope(accumulator);
  return with_context_read_out(
      call, accumulator, [&](const kernels::ReadOut& how, std::int64_t rows, const at::Tensor& y) {
        kernels::cuda::read_out(accumulator.const_data_ptr<float>(), rows, call.head_dim, how,
                                y.data_ptr(), element_type_of(y),
                                running_range(range, /*uses_new=*/false), scope.stream());
      });
}

AttentionGradient attention_gradient(const AttentionCall& call, const AttentionOperands& quantised,
                                     const AttentionOperands& exact, const at::Tensor& gradient) {
  const CudaScope scope(gradient);
  const auto options = gradient.options().dtype(at::kFloat);
  const AttentionOperands operands = contiguous(quantised);
  AttentionOperands values = contiguous(exact);
  const c10::ScalarType type = exact.q.scalar_type();
  values.v = values.v.to(type);
  const at::Tensor g_all = gradient.to(type);
  AttentionGradient result{
      at::empty({call.batch, call.heads, call.queries, call.head_dim}, options),
      at::zeros({call.batch, call.kv_heads, call.keys, call.head_dim}, options),
      at::zeros({call.batch, call.kv_heads, call.keys, call.head_dim}, options)};

  for_tiles(call, false, [&](const Place& place) {
    const at::Tensor g = query_rows(call, g_all, place);
    const at::Tensor scores = raw_scores(call, operands, place);
    const at::Tensor p = probabilities(call, place, scores, true, nullptr, scope);
    const at::Tensor dp = product(g, key_rows(call, values.v, place).transpose(1, 2));
    at::Tensor kept = p;
    if (call.dropout > 0) {
      kept = p.clone();
      drop(call, place, kept, scope);
      if (call.clip) dp.masked_fill_(at::gt(kept, 1), 0);
      drop(call, place, dp, scope);
    }
    key_rows(call, result.dv, place).add_(product(kept.to(type).transpose(1, 2), g));
    const at::Tensor ds = type == at::kFloat ? dp : at::empty_like(dp, dp.options().dtype(type));
    kernels::cuda::score_gradient(
        place.heads, p.const_data_ptr<float>(), call.scale, scores.const_data_ptr<float>(),
        call.clip ? call.qk_range.const_data_ptr<float>() : nullptr, dp.const_data_ptr<float>(),
        ds.data_ptr(), element_type_of(ds), scope.stream());
    store_query_rows(call, product(ds, key_rows(call, values.k, place)), place, result.dq);
    key_rows(call, result.dk, place)
        .add_(product(ds.transpose(1, 2), query_rows(call, values.q, place)));
  });
  return result;
}

}  // namespace engine::optical_transformer::on_cuda

#endif
