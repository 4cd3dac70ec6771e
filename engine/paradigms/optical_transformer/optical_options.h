// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/model/forward_context.h"

#include <cstdint>
#include <optional>
#include <string>

namespace engine::optical_transformer {

enum class RangeMode { track, freeze, calibrate };

/// A rule's values, as the layers read them. See the README for their meaning.
struct OpticalOptions {
  std::int32_t levels = 256;
  float lut_min = 0;  ///< 0 = no floor
  std::optional<RealPair> quantiles;
  float smooth_factor = 0.9f;
  std::uint64_t seed = 0;
  bool bypass = false;
  bool noise = true;
  bool clip_gradient = false;
  bool full_score_statistics = false;
  RangeMode mode = RangeMode::track;

  /// Whether a forward pass in `context` observes ranges; if not, it may only use them.
  bool observes(const ForwardContext& context) const;
};

/// Throws Error naming `layer` for a choice that is not built in.
OpticalOptions optical_options(const ParamValues& values, const std::string& layer);

}  // namespace engine::optical_transformer
