// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/bit_flip_linear.h"

#include "engine/device/element_type.h"
#include "engine/error.h"
#include "engine/model/fused_projections.h"
#include "engine/paradigms/random_bitflip/flipped_group.h"
#include "kernels/noise_key.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace engine::random_bitflip {
namespace {

namespace role = kernels::noise_role;

/// Throws Error naming `layer` where no kernel runs.
void require_device(const at::Tensor& tensor, const std::string& layer) {
#ifdef PARADIGM_WITH_CUDA
  if (tensor.is_cuda()) return;
#endif
  if (tensor.is_cpu()) return;
  fail("device-not-supported", {},
       "random_bitflip does not run on " + tensor.device().str() + ": layer " + layer,
       "Run the transformed model with --device cpu");
}

/// Probabilities and threshold as they are in this step; no keys yet.
OperandFlips flips_at(std::int64_t step, const OperandOptions& operand,
                      kernels::ElementType storage) {
  OperandFlips flips;
  flips.is_exact = operand.is_exact();
  flips.how.storage = storage;
  if (operand.p_exponent) {
    flips.how.exponent.rarity = rarity_of(operand.p_exponent->at(step));
  }
  if (operand.p_fraction) {
    flips.how.fraction.rarity = rarity_of(operand.p_fraction->at(step));
  }
  if (operand.zero_out_threshold) {
    flips.how.zero_from = kernels::zero_out_word(operand.zero_out_threshold->at(step), storage);
  }
  return flips;
}

/// Upstream's seeds: as configured in every layer, further by its ceil(h / 4) after each forward
/// pass.
void key_as_upstream(OperandFlips& flips, const OperandOptions& operand, UpstreamAdvance& advance) {
  flips.how.rule = kernels::FlipRule::upstream;
  flips.how.exponent.key = operand.seed_exponent + advance.exponent;
  flips.how.fraction.key = operand.seed_fraction + advance.fraction;
  advance.exponent += static_cast<std::uint64_t>((flips.how.exponent.rarity + 3) / 4);
  advance.fraction += static_cast<std::uint64_t>((flips.how.fraction.rarity + 3) / 4);
}

void add_statistics(const char* operand, const at::Tensor& counts,
                    std::vector<NamedStatistic>& measured) {
  const char* const names[] = {"exponent_flips", "fraction_flips", "zeroed", "non_finite"};
  for (int i = 0; i < 4; ++i) measured.push_back({std::string(operand) + names[i], counts[i]});
}

/// {least, greatest, any NaN} of nothing, so many times, on the device.
at::Tensor unobserved_ranges(std::size_t count, at::Device device) {
  const auto rows = static_cast<std::int64_t>(count);
  const at::Tensor ranges = at::empty({rows, 3}, at::TensorOptions(device).dtype(at::kInt));
  ranges.select(1, 0).fill_(std::numeric_limits<int>::max());
  ranges.select(1, 1).fill_(std::numeric_limits<int>::min());
  ranges.select(1, 2).zero_();
  return ranges;
}

}  // namespace

BitFlipLinear::BitFlipLinear(std::unique_ptr<LinearLayer> original, const BitFlipOptions& options,
                             std::uint64_t run_seed)
    : LinearLayer(original->name(), original->weight(), original->bias()),
      original_(std::move(original)),
      options_(options),
      run_seed_(run_seed),
      layer_id_(kernels::layer_id(name())) {}

kernels::ElementType BitFlipLinear::storage(const ForwardContext& context) const {
  return options_.storage.value_or(element_type_of(context.compute_dtype));
}

bool BitFlipLinear::is_capturable(std::int64_t step) const {
  // Redrawn once a step, the weights' flips would have to read half of the clock.
  return !options_.is_reference && options_.x.is_settled(step) && options_.w.is_settled(step) &&
         (options_.w.is_exact() || options_.w_redraw != WeightRedraw::step);
}

std::uint64_t BitFlipLinear::key(std::uint64_t seed, std::uint64_t of_role,
                                 bool is_of_evaluation) const {
  if (is_of_evaluation) of_role += role::evaluation;
  return kernels::noise_key(run_seed_, layer_id_, seed, of_role);
}

OperandFlips BitFlipLinear::weight_flips(const ForwardContext& context) const {
  OperandFlips w = flips_at(context.step, options_.w, storage(context));
  w.how.zeroes_only_flipped = options_.zeroes_only_flipped;
  const bool is_of_evaluation =
      context.phase != Phase::train && options_.w_redraw != WeightRedraw::run;
  w.how.exponent.key = key(options_.w.seed_exponent, role::bit_flip_w_exponent, is_of_evaluation);
  w.how.fraction.key = key(options_.w.seed_fraction, role::bit_flip_w_fraction, is_of_evaluation);
  const auto step = static_cast<std::uint32_t>(context.step);
  if (options_.w_redraw == WeightRedraw::forward) {
    w.how.time = {step, static_cast<std::uint32_t>(context.micro_step)};
    w.how.clock = context.clock;
  }
  if (options_.w_redraw == WeightRedraw::step) w.how.time = {step, 0};
  return w;
}

OperandFlips BitFlipLinear::input_flips(const at::Tensor& x, const ForwardContext& context) const {
  OperandFlips flips = flips_at(context.step, options_.x, storage(context));
  flips.how.zeroes_only_flipped = options_.zeroes_only_flipped;
  const bool is_of_evaluation = context.phase != Phase::train;
  flips.how.exponent.key =
      key(options_.x.seed_exponent, role::bit_flip_x_exponent, is_of_evaluation);
  flips.how.fraction.key =
      key(options_.x.seed_fraction, role::bit_flip_x_fraction, is_of_evaluation);
  flips.how.time = {static_cast<std::uint32_t>(context.step),
                    static_cast<std::uint32_t>(context.micro_step)};
  flips.how.clock = context.clock;
  flips.how.first_element =
      static_cast<std::uint64_t>(context.first_sequence * (x.numel() / x.size(0)));
  return flips;
}

LinearFlips BitFlipLinear::flips_of(const at::Tensor& x, const ForwardContext& context) {
  LinearFlips flips{
      .x = {}, .w = {}, .compute_dtype = context.compute_dtype, .x_counts = {}, .w_counts = {}};
  if (!options_.is_reference) {
    flips.x = input_flips(x, context);
    flips.w = weight_flips(context);
    return flips;
  }
  flips.x = flips_at(context.step, options_.x, storage(context));
  flips.w = flips_at(context.step, options_.w, storage(context));
  flips.x.how.zeroes_only_flipped = options_.zeroes_only_flipped;
  flips.w.how.zeroes_only_flipped = options_.zeroes_only_flipped;
  key_as_upstream(flips.x, options_.x, x_advance_);
  key_as_upstream(flips.w, options_.w, w_advance_);
  return flips;
}

at::Tensor BitFlipLinear::forward(const at::Tensor& x, const ForwardContext& context) {
  if (context.measure) measured_.clear();
  if (computes_plainly() || x.numel() == 0 || context.phase == Phase::calibrate) {
    return original_->forward(x, context);
  }
  require_device(x, name());
  if (x.size(-1) != weight().size(1)) {
    fail("shape-mismatch", {},
         name() + ": the input has " + std::to_string(x.size(-1)) + " features, the weight takes " +
             std::to_string(weight().size(1)));
  }
  if (const auto joint = engine::joint_product({this}, x, context)) {
    return fused_linear(*joint, x, *this);
  }
  LinearFlips flips = flips_of(x, context);
  if (context.measure) {
    flips.x_counts = empty_counts(x);
    flips.w_counts = empty_counts(weight());
    if (!flips.x.is_exact) add_statistics("x_", flips.x_counts, measured_);
    if (!flips.w.is_exact) add_statistics("w_", flips.w_counts, measured_);
  }
  return flipped_linear(x, weight(), bias(), flips);
}

void BitFlipLinear::begin_pass(std::span<LinearLayer* const> layers,
                               const ForwardContext& context) {
  std::vector<BitFlipLinear*> flipping;
  for (LinearLayer* layer : layers) {
    if (auto* const one = dynamic_cast<BitFlipLinear*>(layer)) flipping.push_back(one);
  }
  if (flipping.empty() || flipping.front() != this) return;  // the first acts for all
  std::vector<BitFlipLinear*> first_layers;
  std::vector<std::vector<FlippingWeight>> groups;
  for (BitFlipLinear* layer : flipping) {
    layer->seen_.reset();
    const auto is_here = [&](const BitFlipLinear* member) {
      return std::find(flipping.begin(), flipping.end(), member) != flipping.end();
    };
    if (layer->together_.empty() || context.phase == Phase::calibrate ||
        !std::all_of(layer->together_.begin(), layer->together_.end(), is_here)) {
      continue;
    }
    std::vector<FlippingWeight> weights = weights_of(layer->together_, context);
    if (!std::all_of(weights.begin(), weights.end(), [&](const FlippingWeight& weight) {
          return can_note(weight.flips, context.compute_dtype);
        })) {
      continue;
    }
    first_layers.push_back(layer);
    groups.push_back(std::move(weights));
  }
  std::vector<SeenWeights> all = seen_weights(groups, context.compute_dtype);
  if (all.empty()) return;
  const at::Tensor ranges = unobserved_ranges(all.size(), weight().device());
  for (std::size_t i = 0; i < all.size(); ++i) {
    first_layers[i]->seen_.emplace(
        SeenInPass{std::move(all[i]), PassTime(context), {ranges[static_cast<std::int64_t>(i)]}});
  }
}

Extent BitFlipLinear::extent_of_input(const ForwardContext& context) {
  if (!seen_ || !(seen_->time == PassTime(context)) || !options_.x.zero_out_threshold ||
      options_.zeroes_only_flipped) {
    return {};
  }
  return seen_->range;
}

/// Counts what flips do to both operands by flipping copies of them.
void BitFlipLinear::measure(const at::Tensor& x, const LinearFlips& flips) {
  const at::NoGradGuard no_gradient;
  measured_.clear();
  const auto count = [&](const char* name, const at::Tensor& operand, const OperandFlips& how) {
    if (how.is_exact) return;
    const at::Tensor counts = empty_counts(operand);
    const FlippedOperand copy(operand, how, flips.compute_dtype, counts);
    add_statistics(name, counts, measured_);
  };
  count("x_", x, flips.x);
  count("w_", weight(), flips.w);
}

std::vector<FlippingWeight> BitFlipLinear::weights_of(std::span<BitFlipLinear* const> layers,
                                                      const ForwardContext& context) {
  std::vector<FlippingWeight> weights;
  for (const BitFlipLinear* layer : layers) {
    weights.push_back({layer->weight(), layer->weight_flips(context)});
  }
  return weights;
}

SeenWeights BitFlipLinear::take_seen(const std::vector<BitFlipLinear*>& layers,
                                     const ForwardContext& context) {
  if (seen_ && together_ == layers && seen_->time == PassTime(context)) {
    return std::exchange(seen_, std::nullopt)->weights;
  }
  for (BitFlipLinear* layer : layers) {
    layer->together_.clear();
    layer->seen_.reset();
  }
  together_ = layers;
  const std::vector<std::vector<FlippingWeight>> group = {weights_of(layers, context)};
  return seen_weights(group, context.compute_dtype)[0];
}

JointOutput BitFlipLinear::joint_product(std::span<LinearLayer* const> layers,
                                         const LayerInput& input, const ForwardContext& context) {
  const at::Tensor& x = input.x;
  std::vector<FlippedLayer> group;
  std::vector<BitFlipLinear*> flipping;
  for (LinearLayer* layer : layers) {
    flipping.push_back(dynamic_cast<BitFlipLinear*>(layer));
    // Upstream's seeds move with each asking.
    if (flipping.back() == nullptr || flipping.back()->options_.is_reference ||
        layer->bias().defined() || context.phase == Phase::calibrate ||
        x.size(-1) != layer->weight().size(1)) {
      return {};
    }
    group.push_back({layer->weight(), flipping.back()->flips_of(x, context)});
  }
  if (!makes_group(x, group, input.is_own)) return {};
  if (context.measure) {  // before the group changes x
    for (std::size_t i = 0; i < group.size(); ++i) flipping[i]->measure(x, group[i].flips);
  }
  auto made = c10::make_intrusive<FlippedGroup>(std::move(group), input.is_own,
                                                take_seen(flipping, context));
  // Of a layer alone nothing is left to correct.
  if (layers.size() == 1) return {made->product(x, input.extent), {}, made};
  return {{}, c10::make_intrusive<FlippedProduct>(made, x, input.extent), made};
}

std::vector<NamedStatistic> BitFlipLinear::statistics() { return measured_; }

}  // namespace engine::random_bitflip
