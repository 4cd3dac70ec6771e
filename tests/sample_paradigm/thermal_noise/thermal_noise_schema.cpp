// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/paradigm_info.h"

#include <limits>

namespace engine {

ParadigmInfo thermal_noise_info() {
  const double infinity = std::numeric_limits<double>::infinity();
  return {
      .id = "thermal_noise",
      .title = "Thermal noise",
      .summary = "An exact product, read out by an amplifier with Johnson-Nyquist noise",
      .key_prefixes = {"t_"},
      .targets = {LayerKind::linear},
      .schema = {
          real("t_noise", 0.05)
              .range(0, infinity)
              .ours()
              .label("Noise")
              .help("Standard deviation of the noise of one output element"),
          integer("t_seed", 0)
              .range(0, infinity)
              .ours()
              .label("Noise seed")
              .help("Mixed into the key of the noise"),
          boolean("t_bypass", false).ours().label("Bypass").help("Behave as the ordinary layer")}};
}

}  // namespace engine
