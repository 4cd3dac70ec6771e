// SPDX-License-Identifier: GPL-3.0-or-later
// Optical Linears that train in bf16 on CUDA: all weights of a model encoded at once before the
// pass; one encoding of an input for the layers that see the same codes of it, and one product with
// their weights one below the other, left to be read out by what comes next.
#include "engine/paradigms/optical_transformer/operand_codes.h"
#include "engine/paradigms/optical_transformer/optical_linear.h"
#include "engine/paradigms/optical_transformer/raw_optical_product.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

namespace engine::optical_transformer {
namespace {

/// Tensors [rows, cols] one below the other: themselves, where they lie so.
at::Tensor stacked(const std::vector<at::Tensor>& parts) {
  std::int64_t rows = 0;
  bool adjoin = true;
  for (const at::Tensor& part : parts) {
    adjoin &=
        part.is_alias_of(parts.front()) &&
        part.data_ptr<c10::Half>() == parts.front().data_ptr<c10::Half>() + rows * part.size(1);
    rows += part.size(0);
  }
  const std::int64_t cols = parts.front().size(1);
  return adjoin ? parts.front().as_strided({rows, cols}, {cols, 1}) : at::cat(parts);
}

}  // namespace

/// Whether this layer can ever do without an accumulator of its own.
bool OpticalLinear::can_compute_raw() const {
  return has_operand_codes(weight()) && !bias().defined() && !options_.bypass &&
         !options_.reference && !options_.clip_gradient && options_.levels <= kMostHalfLevels &&
         x_range_.updates_in_kernel() && w_range_.updates_in_kernel();
}

/// Whether this pass does nothing but use and observe running ranges in kernels.
bool OpticalLinear::computes_raw(const RangePass& pass, const ForwardContext& context) const {
  // A repeated pass has no ranges to update, and must sum in the order of the first.
  return can_compute_raw() && context.phase == Phase::train && !context.is_recomputed &&
         context.compute_dtype == at::kBFloat16 && pass.encodes_in_kernel(x_range_) &&
         pass.encodes_in_kernel(w_range_) && updates_in_read_out(pass);
}

Extent OpticalLinear::extent_of_input(const ForwardContext& context) {
  const RangePass pass(options_, context);
  return computes_raw(pass, context) ? Extent{x_range_.scratch()} : Extent{};
}

void OpticalLinear::begin_pass(std::span<LinearLayer* const> layers,
                               const ForwardContext& context) {
  const auto can_compute = [](LinearLayer* layer) {
    const auto* const optical = dynamic_cast<OpticalLinear*>(layer);
    return optical != nullptr && optical->can_compute_raw();
  };
  const auto first = std::find_if(layers.begin(), layers.end(), can_compute);
  if (first == layers.end() || *first != this) return;
  std::vector<OpticalLinear*> all;
  for (auto layer = first; layer != layers.end(); ++layer) {
    if (!can_compute(*layer)) continue;
    all.push_back(static_cast<OpticalLinear*>(*layer));
    all.back()->coded_range_.reset();
  }
  // What a checkpointed pass repeats, the layers do by themselves.
  if (context.phase != Phase::train || context.recompute ||
      context.checkpointing != ActivationCheckpointing::none) {
    return;
  }
  const at::NoGradGuard no_gradient;
  make_room_for_codes(all);
  std::vector<WeightEncoding> jobs;
  for (OpticalLinear* layer : all) {
    const RangePass pass(layer->options_, context);
    if (!layer->computes_raw(pass, context)) continue;
    jobs.push_back(layer->weight_encoding(pass, context, layer->weight_codes_));
  }
  encode_weights(jobs);
}

/// In one piece for all, so that layers over one input lie side by side.
void OpticalLinear::make_room_for_codes(const std::vector<OpticalLinear*>& all) {
  // A layer may have come in the place of another one in memory.
  const auto has_room = [](const OpticalLinear* layer) { return layer->weight_codes_.defined(); };
  if (all == coded_layers_ && std::all_of(all.begin(), all.end(), has_room)) return;
  std::int64_t count = 0;
  for (const OpticalLinear* layer : all) count += layer->weight().numel();
  const at::Tensor codes = at::empty({count}, weight().options().dtype(at::kHalf));
  std::int64_t begin = 0;
  for (OpticalLinear* layer : all) {
    const std::int64_t size = layer->weight().numel();
    layer->weight_codes_ = codes.narrow(0, begin, size).view(layer->weight().sizes());
    begin += size;
  }
  coded_layers_ = all;
}

/// To be encoded now.
WeightEncoding OpticalLinear::weight_encoding(const RangePass& pass, const ForwardContext& context,
                                              const at::Tensor& into) {
  const RangeUpdate update = pass.update_in_kernel(w_range_);
  coded_range_ = update.used;
  return {.weight = weight().detach(),
          .range = update,
          .lut_min = options_.floor_at(context.step),
          .levels = options_.levels,
          .into = into,
          .forgets = x_range_.scratch()};
}

/// The codes of all their weights, which are made where no pass has been begun.
at::Tensor OpticalLinear::weight_codes(const std::vector<OpticalLinear*>& layers,
                                       const RangePass& pass, const ForwardContext& context) {
  std::vector<at::Tensor> codes;
  std::vector<WeightEncoding> jobs;
  for (OpticalLinear* layer : layers) {
    if (layer->coded_range_.defined()) {
      codes.push_back(layer->weight_codes_);
      continue;
    }
    const at::TensorOptions halves = layer->weight().options().dtype(at::kHalf);
    codes.push_back(at::empty(layer->weight().sizes(), halves));
    jobs.push_back(layer->weight_encoding(pass, context, codes.back()));
  }
  encode_weights(jobs);
  return stacked(codes);
}

/// Leaves the statistics to the kernels that fill in what they are made of.
void OpticalLinear::measure(const at::Tensor& x, RawReadOut& read_out) {
  read_out.exact = exact_outputs(x);
  read_out.errors = at::empty({2}, read_out.exact.options());
  keep_statistics(read_out.input_range, read_out.weight_range, read_out.range.used,
                  read_out.errors[0], read_out.errors[1]);
}

JointOutput OpticalLinear::joint_product(std::span<LinearLayer* const> layers,
                                         const LayerInput& input, const ForwardContext& context) {
  const at::NoGradGuard no_gradient;
  const at::Tensor& x = input.x;
  const RangePass pass(options_, context);
  std::vector<OpticalLinear*> all;
  std::vector<const RangeTracker*> x_ranges;
  for (LinearLayer* layer : layers) {
    auto* const optical = dynamic_cast<OpticalLinear*>(layer);
    if (optical == nullptr || optical->options_ != options_) return {};
    all.push_back(optical);
    x_ranges.push_back(&optical->x_range_);
  }
  // Asked in the first pass already, when nothing jointly computes yet: later ones may not wait.
  if (all.size() > 1 && !x_agreement_.holds(x_ranges)) return {};
  if (x.numel() == 0 || x.scalar_type() != at::kBFloat16) return {};
  std::vector<RawReadOut> read_outs;
  for (const OpticalLinear* layer : all) {
    if (!layer->computes_raw(pass, context) || x.device() != layer->weight().device() ||
        x.size(-1) != layer->weight().size(1)) {
      return {};
    }
    const std::int64_t cols = layer->weight().size(0);
    const std::int64_t per_sequence = x.numel() / x.size(-1) / x.size(0) * cols;
    read_outs.push_back({.cols = cols,
                         .how = layer->read_out_of(context, per_sequence),
                         .range = {},
                         .input_range = {},
                         .weight_range = {}});
  }
  if (!reads_out_raw(read_outs)) return {};

  const bool is_observed = input.extent.memory.is_same(x_range_.scratch());
  const at::Tensor weights = weight_codes(all, pass, context);
  InputEncoding encoding{.x = x.detach().contiguous(),
                         .range = pass.update_in_kernel(x_range_),
                         .is_observed = is_observed,
                         .levels = options_.levels};
  for (std::size_t i = 1; i < all.size(); ++i) {
    encoding.followers.push_back(pass.update_in_kernel(all[i]->x_range_));
  }
  const at::Tensor codes = input_codes(encoding);
  for (std::size_t i = 0; i < all.size(); ++i) {
    read_outs[i].range = pass.update_in_kernel(all[i]->out_range_);
    read_outs[i].input_range = encoding.range.used;
    read_outs[i].weight_range = std::exchange(all[i]->coded_range_, {});
    if (context.measure) all[i]->measure(x, read_outs[i]);
  }
  return {.values = {},
          .raw = raw_optical_product(codes.view({-1, x.size(-1)}), weights, std::move(read_outs)),
          .gradient = {}};
}

}  // namespace engine::optical_transformer
