// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/param_reading.h"

#include <fmt/format.h>

#include <cmath>

namespace engine {
namespace {

struct FieldBits {
  int top;  ///< sign and exponent
  int fraction;
};

FieldBits bits_of(const std::string& format) {
  if (format == "fp16") return {6, 10};
  if (format == "bf16") return {9, 7};
  return {9, 23};
}

/// 950, 7.1k, 88M, 1.3G.
std::string count_text(double count) {
  const char* units[] = {"", "k", "M", "G", "T", "P"};
  int unit = 0;
  for (; count >= 999.5 && unit < 5; ++unit) count /= 1000;
  return fmt::format("{:.{}f}{}", count, count < 9.95 && count > 0 ? (count < 0.995 ? 3 : 1) : 0,
                     units[unit]);
}

std::string level_text(const ParamValue& value) {
  const auto* levels = std::get_if<std::int64_t>(&value);
  if (levels == nullptr || *levels < 1) return "";
  const double bits = std::log2(static_cast<double>(*levels));
  const bool whole = bits == std::floor(bits);
  return whole ? fmt::format("{:.0f} bit{}", bits, bits == 1 ? "" : "s")
               : fmt::format("{:.2f} bits", bits);
}

std::string flip_text(const std::string& unit, double probability, const ReadingScale& scale) {
  const bool is_weight = unit == unit::weight_top_bit || unit == unit::weight_fraction_bit;
  const bool is_top = unit == unit::input_top_bit || unit == unit::weight_top_bit;
  if (!is_weight && !is_top && unit != unit::input_fraction_bit) return "";
  const FieldBits bits = bits_of(scale.format);
  const double numbers = is_weight ? scale.weights : scale.inputs_per_token;
  const double exponent = -std::log2(probability);
  std::string text = exponent == std::floor(exponent) ? fmt::format("2^-{:.0f}", exponent)
                                                      : fmt::format("{:.3g}", probability);
  if (numbers <= 0) return text;
  const std::string flips = count_text(numbers * (is_top ? bits.top : bits.fraction) * probability);
  return text + (is_weight ? fmt::format(": about {} flipped bits in the {} weights of these "
                                         "layers ({}) in every forward pass",
                                         flips, count_text(numbers), scale.format)
                           : fmt::format(": about {} flipped bits per token on the way into these "
                                         "layers ({})",
                                         flips, scale.format));
}

}  // namespace

std::string reading_text(const ParamSpec& spec, const ParamValue& effective,
                         const ReadingScale& scale) {
  if (spec.unit_text == unit::levels) return level_text(effective);
  const auto* probability = std::get_if<double>(&effective);
  if (probability == nullptr || !(*probability > 0)) return "";
  return flip_text(spec.unit_text, *probability, scale);
}

}  // namespace engine
