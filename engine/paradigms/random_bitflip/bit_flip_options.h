// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/model/forward_context.h"
#include "kernels/bit_flip/bit_flip.h"

#include <cstdint>
#include <optional>
#include <string>

namespace engine::random_bitflip {

/// How one operand is stored: what may happen to it, before the step is known.
struct OperandOptions {
  std::optional<ScheduledReal> p_exponent;
  std::optional<ScheduledReal> p_fraction;
  std::optional<ScheduledReal> zero_out_threshold;
  std::uint64_t seed_exponent = 0;
  std::uint64_t seed_fraction = 0;

  /// Nothing ever happens to it: it is not even converted to the storage format.
  bool is_exact() const { return !p_exponent && !p_fraction && !zero_out_threshold; }
  /// Nothing of it moves from `step` on.
  bool is_settled(std::int64_t step) const {
    const auto settled = [step](const std::optional<ScheduledReal>& value) {
      return !value || value->is_settled(step);
    };
    return settled(p_exponent) && settled(p_fraction) && settled(zero_out_threshold);
  }
};

enum class WeightRedraw { forward, step, run };

/// A rule's values, as the layer reads them. See the README for their meaning.
struct BitFlipOptions {
  OperandOptions x;
  OperandOptions w;
  std::optional<kernels::ElementType> storage;  ///< not set: the compute dtype
  WeightRedraw w_redraw = WeightRedraw::forward;
  bool zeroes_only_flipped = false;
  bool is_reference = false;
};

BitFlipOptions bit_flip_options(const ParamValues& values);

/// h of a probability p in [2^-24, 1): it takes effect as 2^-h <= p. The schema lets no other
/// number through, and no schedule whose ends are not in that range.
std::int32_t rarity_of(double p);

}  // namespace engine::random_bitflip
