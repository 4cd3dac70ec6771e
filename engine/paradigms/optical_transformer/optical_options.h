// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/model/forward_context.h"

#include <cstdint>
#include <optional>

namespace engine::optical_transformer {

enum class RangeMode { track, freeze, calibrate };

/// A rule's values, as the layers read them. See the README for their meaning.
struct OpticalOptions {
  std::int32_t levels = 256;
  std::optional<ScheduledReal> lut_min;
  std::optional<RealPair> quantiles;
  ScheduledReal smooth_factor = 0.9;
  std::uint64_t seed = 0;
  bool bypass = false;
  bool noise = true;
  bool clip_gradient = false;
  bool delayed_statistics = false;
  bool full_score_statistics = false;
  RangeMode mode = RangeMode::track;
  bool reference = false;  ///< semantics: reference

  /// The floor in effect at `step`; 0 = none.
  float floor_at(std::int64_t step) const {
    return lut_min ? static_cast<float>(lut_min->at(step)) : 0.0f;
  }

  /// Whether what a pass is told by its step stays the same from `step` on, see
  /// LinearLayer::is_capturable.
  bool is_settled(std::int64_t step) const;

  /// Whether a forward pass in `context` observes ranges; if not, it may only use them.
  bool observes(const ForwardContext& context) const;

  bool operator==(const OpticalOptions&) const = default;
};

OpticalOptions optical_options(const ParamValues& values);

}  // namespace engine::optical_transformer
