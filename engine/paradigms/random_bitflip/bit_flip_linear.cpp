// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/bit_flip_linear.h"

#include "engine/device/element_type.h"
#include "engine/error.h"
#include "engine/model/fused_projections.h"
#include "engine/paradigms/random_bitflip/flipped_group.h"
#include "kernels/noise_key.h"

#include <ATen/core/Tensor.h>

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

}  // namespace

BitFlipLinear::BitFlipLinear(std::unique_ptr<LinearLayer> original, const BitFlipOptions& options,
                             std::uint64_t run_seed)
    : LinearLayer(original->name(), original->weight(), original->bias()),
      original_(std::move(original)),
      options_(options),
      run_seed_(run_seed),
      layer_id_(kernels::layer_id(name())) {}

bool BitFlipLinear::is_capturable(std::int64_t step) const {
  // Redrawn once a step, the weights' flips would have to read half of the clock.
  return !options_.is_reference && options_.x.is_settled(step) && options_.w.is_settled(step) &&
         (options_.w.is_exact() || options_.w_redraw != WeightRedraw::step);
}

LinearFlips BitFlipLinear::flips_of(const at::Tensor& x, const ForwardContext& context) {
  const kernels::ElementType storage =
      options_.storage.value_or(element_type_of(context.compute_dtype));
  LinearFlips flips{.x = flips_at(context.step, options_.x, storage),
                    .w = flips_at(context.step, options_.w, storage),
                    .compute_dtype = context.compute_dtype,
                    .x_counts = {},
                    .w_counts = {}};
  flips.x.how.zeroes_only_flipped = options_.zeroes_only_flipped;
  flips.w.how.zeroes_only_flipped = options_.zeroes_only_flipped;
  if (options_.is_reference) {
    key_as_upstream(flips.x, options_.x, x_advance_);
    key_as_upstream(flips.w, options_.w, w_advance_);
    return flips;
  }

  const bool is_fault_map = options_.w_redraw == WeightRedraw::run;
  const auto key = [&](std::uint64_t seed, std::uint64_t of_role, bool has_evaluation) {
    if (has_evaluation && context.phase != Phase::train) of_role += role::evaluation;
    return kernels::noise_key(run_seed_, layer_id_, seed, of_role);
  };
  flips.x.how.exponent.key = key(options_.x.seed_exponent, role::bit_flip_x_exponent, true);
  flips.x.how.fraction.key = key(options_.x.seed_fraction, role::bit_flip_x_fraction, true);
  flips.w.how.exponent.key =
      key(options_.w.seed_exponent, role::bit_flip_w_exponent, !is_fault_map);
  flips.w.how.fraction.key =
      key(options_.w.seed_fraction, role::bit_flip_w_fraction, !is_fault_map);

  const auto step = static_cast<std::uint32_t>(context.step);
  const auto micro_step = static_cast<std::uint32_t>(context.micro_step);
  flips.x.how.time = {step, micro_step};
  flips.x.how.clock = context.clock;
  flips.x.how.first_element =
      static_cast<std::uint64_t>(context.first_sequence * (x.numel() / x.size(0)));
  if (options_.w_redraw == WeightRedraw::forward) {
    flips.w.how.time = {step, micro_step};
    flips.w.how.clock = context.clock;
  }
  if (options_.w_redraw == WeightRedraw::step) flips.w.how.time = {step, 0};
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

JointOutput BitFlipLinear::joint_product(std::span<LinearLayer* const> layers,
                                         const LayerInput& input, const ForwardContext& context) {
  const at::Tensor& x = input.x;
  std::vector<FlippedLayer> group;
  for (LinearLayer* layer : layers) {
    auto* const flipping = dynamic_cast<BitFlipLinear*>(layer);
    // Upstream's seeds move with each asking.
    if (flipping == nullptr || flipping->options_.is_reference || flipping->bias().defined() ||
        context.measure || context.phase == Phase::calibrate ||
        x.size(-1) != flipping->weight().size(1)) {
      return {};
    }
    group.push_back({flipping->weight(), flipping->flips_of(x, context)});
  }
  if (!makes_group(x, group)) return {};
  auto made = c10::make_intrusive<FlippedGroup>(std::move(group));
  at::Tensor values = made->product(x);
  return {.values = std::move(values), .raw = {}, .gradient = std::move(made)};
}

std::vector<NamedStatistic> BitFlipLinear::statistics() { return measured_; }

}  // namespace engine::random_bitflip
