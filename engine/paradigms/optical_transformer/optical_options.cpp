// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_options.h"

#include <string>

namespace engine::optical_transformer {
namespace {

RangeMode range_mode(const std::string& text) {
  if (text == "freeze") return RangeMode::freeze;
  return text == "calibrate" ? RangeMode::calibrate : RangeMode::track;
}

}  // namespace

bool OpticalOptions::observes(const ForwardContext& context) const {
  if (context.phase == Phase::calibrate) return true;
  return context.phase == Phase::train && mode == RangeMode::track && !context.recompute;
}

bool OpticalOptions::is_settled(std::int64_t step) const {
  // Upstream's seeds advance with a count that the host keeps.
  return !reference && smooth_factor.is_settled(step) && (!lut_min || lut_min->is_settled(step));
}

OpticalOptions optical_options(const ParamValues& values) {
  OpticalOptions options;
  options.levels = static_cast<std::int32_t>(values.get_int("q_levels"));
  options.lut_min = values.get_optional_scheduled_real("q_lut_min");
  options.quantiles = values.get_optional_pair("q_quantiles");
  options.smooth_factor = values.get_scheduled_real("q_smooth_factor");
  options.seed = static_cast<std::uint64_t>(values.get_int("q_init_seed"));
  options.bypass = values.get_bool("q_bypass");
  options.noise = values.get_bool("noise");
  options.clip_gradient = values.get_text("ste") == "clip";
  options.delayed_statistics = values.get_text("stats") == "delayed";
  options.mode = range_mode(values.get_text("mode"));
  options.reference = values.get_text("semantics") == "reference";
  options.full_score_statistics = options.reference || values.get_text("stats_scope") == "full";
  return options;
}

}  // namespace engine::optical_transformer
