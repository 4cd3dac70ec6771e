// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/bit_flip_options.h"

#include <cassert>
#include <cmath>
#include <string>

namespace engine::random_bitflip {
namespace {

OperandOptions operand_options(const ParamValues& values, const std::string& operand) {
  const auto seed = [&](const char* name) {
    return static_cast<std::uint64_t>(values.get_int(operand + name));
  };
  return {.p_exponent = values.get_optional_scheduled_real(operand + "_p_exp"),
          .p_fraction = values.get_optional_scheduled_real(operand + "_p_frac"),
          .zero_out_threshold = values.get_optional_scheduled_real(operand + "_zero_out_t"),
          .seed_exponent = seed("_seed_exp"),
          .seed_fraction = seed("_seed_frac")};
}

std::optional<kernels::ElementType> storage_type(const ParamValues& values) {
  if (!is_set(values.get("storage_dtype"))) return std::nullopt;
  const std::string name = values.get_text("storage_dtype");
  if (name == "bf16") return kernels::ElementType::bf16;
  return name == "fp16" ? kernels::ElementType::fp16 : kernels::ElementType::fp32;
}

WeightRedraw weight_redraw(const std::string& name) {
  if (name == "step") return WeightRedraw::step;
  return name == "run" ? WeightRedraw::run : WeightRedraw::forward;
}

}  // namespace

BitFlipOptions bit_flip_options(const ParamValues& values) {
  return {.x = operand_options(values, "x"),
          .w = operand_options(values, "w"),
          .storage = storage_type(values),
          .w_redraw = weight_redraw(values.get_text("w_redraw")),
          .zeroes_only_flipped = values.get_text("zero_out_scope") == "flipped",
          .is_reference = values.get_text("semantics") == "reference"};
}

std::int32_t rarity_of(double p) {
  assert(p >= 0x1p-24 && p < 1);
  return -std::ilogb(snapped(Snap::power_of_two_probability, p));
}

}  // namespace engine::random_bitflip
