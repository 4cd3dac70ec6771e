// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"

#include <string>

namespace engine {

/// Units that have a reading: a schema gives them to its parameters.
namespace unit {
inline constexpr const char* levels = "levels";
inline constexpr const char* input_top_bit = "/ input exponent bit";  ///< the sign's bit as well
inline constexpr const char* input_fraction_bit = "/ input fraction bit";
inline constexpr const char* weight_top_bit = "/ weight exponent bit";
inline constexpr const char* weight_fraction_bit = "/ weight fraction bit";
}  // namespace unit

/// The layers that a value is read for.
struct ReadingScale {
  double weights = 0;           ///< of all of them
  double inputs_per_token = 0;  ///< elements that flow into them
  std::string format = "fp32";  ///< of the numbers whose bits flip: fp32, bf16 or fp16
};

/// What a value in effect means in the hardware: "8 bits" for 256 levels; "2^-17 per bit:
/// about 1.3M flipped bits in the 88M weights of these layers (bf16)" for a probability. "" where
/// the parameter has no reading, the value is unset or a schedule.
std::string reading_text(const ParamSpec& spec, const ParamValue& effective,
                         const ReadingScale& scale);

}  // namespace engine
