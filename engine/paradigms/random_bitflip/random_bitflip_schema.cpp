// SPDX-License-Identifier: GPL-3.0-or-later
// What may be set in a rule of random bit flips. Names, defaults and ranges of the ten keys that
// begin with x_ and w_ are upstream's.
#include "engine/config/param_reading.h"
#include "engine/transform/paradigm_info.h"

#include <limits>
#include <string>

namespace engine {
namespace {

ParamSpec flip_probability(const std::string& name, const std::string& unit,
                           const std::string& label, const std::string& group,
                           const std::string& help) {
  return probability(name, unset)
      .range(0x1p-24, 1)
      .open_above()
      .nullable()
      .log_scale()
      .snaps(Snap::power_of_two_probability)
      .unit(unit)
      .label(label)
      .group(group)
      .help(help + "; takes effect as 2^-h, rounded down; unset = no flips");
}

ParamSpec zero_out_threshold(const std::string& name, const std::string& group) {
  return real(name, unset)
      .range(0, std::numeric_limits<double>::infinity())
      .nullable()
      .label("Zero-out threshold")
      .group(group)
      .help(
          "Values whose magnitude after the flips is at least this, infinities and NaN become 0; "
          "unset = off");
}

ParamSpec flip_seed(const std::string& name, const std::string& label, const std::string& group) {
  return integer(name, 0)
      .range(0, std::numeric_limits<double>::infinity())
      .label(label)
      .group(group)
      .help(
          "Mixed into the key of these flips; layers, operands and fields draw independently even "
          "when all are 0");
}

ParamSpec storage_dtype() {
  return choice("storage_dtype", {"fp32", "bf16", "fp16"})
      .compute_dtype_when_unset()
      .ours()
      .label("Storage format")
      .group("Memory")
      .help(
          "Number format of the simulated memory, whose bits are flipped; unset = the compute "
          "dtype");
}

/// Upstream flips what is at hand, in the compute dtype.
void fill_in(LayerKind, const ParamValues&, ParamValues& values) {
  const bool is_reference = values.get("semantics") == ParamValue(std::string("reference"));
  if (is_reference) values.set("storage_dtype", unset);
}

constexpr const char* kProbabilities[] = {"x_p_exp", "x_p_frac", "w_p_exp", "w_p_frac"};

ParamValues frequent_flips() {
  ParamValues values;
  for (const char* name : kProbabilities) values.set(name, 0x1p-8);
  values.set("x_zero_out_t", 30.0);
  values.set("w_zero_out_t", 1.25);
  return values;
}

ParamValues no_flips() {
  ParamValues values;
  for (const char* name : kProbabilities) values.set(name, unset);
  values.set("x_zero_out_t", unset);
  values.set("w_zero_out_t", unset);
  return values;
}

}  // namespace

ParadigmInfo random_bitflip_info() {
  return {
      .id = "random_bitflip",
      .title = "Random bit flips",
      .summary =
          "Bits of activations and weights flip at random on their way out of memory; values "
          "that grow too large are set to zero",
      .key_prefixes = {"x_p_", "w_p_"},
      .targets = {LayerKind::linear},
      .schema =
          {flip_probability("x_p_exp", unit::input_top_bit, "Sign and exponent flips",
                            "Activations",
                            "Probability that a bit of the sign or the exponent flips"),
           flip_probability("x_p_frac", unit::input_fraction_bit, "Fraction flips", "Activations",
                            "Probability that a bit of the fraction flips"),
           zero_out_threshold("x_zero_out_t", "Activations"),
           flip_seed("x_seed_exp", "Seed of sign and exponent", "Activations"),
           flip_seed("x_seed_frac", "Seed of the fraction", "Activations"),
           flip_probability("w_p_exp", unit::weight_top_bit, "Sign and exponent flips", "Weights",
                            "Probability that a bit of the sign or the exponent flips"),
           flip_probability("w_p_frac", unit::weight_fraction_bit, "Fraction flips", "Weights",
                            "Probability that a bit of the fraction flips"),
           zero_out_threshold("w_zero_out_t", "Weights"),
           flip_seed("w_seed_exp", "Seed of sign and exponent", "Weights"),
           flip_seed("w_seed_frac", "Seed of the fraction", "Weights"), storage_dtype(),
           choice("zero_out_scope", {"all", "flipped"})
               .ours()
               .label("Threshold looks at")
               .group("Memory")
               .help("all: every value, flipped or not, as upstream; flipped: values of which at "
                     "least one bit flipped"),
           choice("w_redraw", {"forward", "step", "run"})
               .ours()
               .label("New weight flips every")
               .group("Memory")
               .help(
                   "forward: in each micro-step; step: in each optimizer step; run: one fault map, "
                   "for evaluation too"),
           choice("semantics", {"intended", "reference"})
               .ours()
               .label("Semantics")
               .group("Memory")
               .help("intended: as described; reference: upstream's flips, the same in every layer "
                     "and operand")},
      .example = frequent_flips(),
      .neutral = no_flips(),
      .fill_in = fill_in};
}

}  // namespace engine
