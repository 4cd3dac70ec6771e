// SPDX-License-Identifier: GPL-3.0-or-later
// What may be set in a rule of the optical transformer. Names, defaults and ranges of the first six
// are upstream's.
#include "engine/config/param_reading.h"
#include "engine/transform/paradigm_info.h"

#include <limits>
#include <string>

namespace engine {
namespace {

/// Upstream's Linears take these quantiles when a file names none; its attention does not.
void fill_in(LayerKind kind, const ParamValues& given, ParamValues& values) {
  const bool is_reference = values.get("semantics") == ParamValue(std::string("reference"));
  if (is_reference && kind == LayerKind::linear && !given.contains("q_quantiles")) {
    values.set("q_quantiles", RealPair(0.001, 0.999));
  }
}

}  // namespace

ParadigmInfo optical_transformer_info() {
  const double infinity = std::numeric_limits<double>::infinity();
  return {
      .id = "optical_transformer",
      .title = "Optical transformer",
      .summary =
          "8-bit operands, a look-up-table floor for the second one, and a noisy 8-bit read-out",
      .key_prefixes = {"q_"},
      .targets = {LayerKind::linear, LayerKind::attention},
      .schema = {integer("q_levels", 256)
                     .range(2, 65536)
                     .unit(unit::levels)
                     .label("Levels")
                     .group("Quantiser")
                     .help("Number of levels of every quantiser: 256 is 8 bits"),
                 real("q_lut_min", 0.020040)
                     .range(0, 1)
                     .open_above()
                     .nullable()
                     .label("Look-up-table floor")
                     .group("Quantiser")
                     .help("Smallest magnitude of the second operand, as a fraction of that side's "
                           "range end "
                           "(a finite extinction ratio); unset = no floor"),
                 real_pair("q_quantiles", unset)
                     .range(0, 1)
                     .open_below()
                     .open_above()
                     .nullable()
                     .label("Range quantiles")
                     .group("Ranges")
                     .help("Quantiles that bound the observed range, low < high; unset = minimum "
                           "and maximum. Omitted with semantics: reference, a Linear takes 0.001 "
                           "and 0.999"),
                 real("q_smooth_factor", 0.9)
                     .range(0, 1)
                     .open_above()
                     .label("Range smoothing")
                     .group("Ranges")
                     .help("Weight of the old range when a new one is observed"),
                 integer("q_init_seed", 0)
                     .range(0, infinity)
                     .label("Noise seed")
                     .group("Noise")
                     .help("Mixed into the key of the read-out noise; layers draw independent "
                           "noise even when all are 0"),
                 boolean("q_bypass", false)
                     .label("Bypass")
                     .group("Quantiser")
                     .help("Behave as the ordinary layer: the same result, bit for bit"),
                 choice("ste", {"pass", "clip"})
                     .ours()
                     .label("Gradient outside the range")
                     .group("Gradient")
                     .help("pass: straight through every quantiser; clip: zero where the value lay "
                           "outside its range"),
                 choice("stats", {"current", "delayed"})
                     .ours()
                     .label("Range update")
                     .group("Ranges")
                     .help("current: operands use the range they were just observed with; delayed: "
                           "the previous micro-step's"),
                 choice("stats_scope", {"causal", "full"})
                     .ours()
                     .label("Score statistics")
                     .group("Ranges")
                     .help("Attention only: the range of the scores sees the entries that the mask "
                           "keeps (causal) or all (full)"),
                 choice("mode", {"track", "freeze", "calibrate"})
                     .ours()
                     .label("Range mode")
                     .group("Ranges")
                     .help("track: ranges follow the training data; freeze: fixed; calibrate: "
                           "observe calibrate_batches "
                           "forward passes with the quantisers off, then freeze"),
                 integer("calibrate_batches", 8)
                     .range(1, 10000)
                     .ours()
                     .label("Calibration batches")
                     .group("Ranges")
                     .help("Forward passes that mode calibrate observes"),
                 boolean("noise", true)
                     .ours()
                     .label("Read-out noise")
                     .group("Noise")
                     .help("Round the read-out with noise; off = to the nearest level"),
                 choice("semantics", {"intended", "reference"})
                     .ours()
                     .label("Semantics")
                     .group("Quantiser")
                     .help("intended: as the hardware is described; reference: as upstream's code "
                           "computes, faults included: one constant for a whole read-out's noise, "
                           "output ranges that can only shrink")},
      .fill_in = fill_in};
}

}  // namespace engine
