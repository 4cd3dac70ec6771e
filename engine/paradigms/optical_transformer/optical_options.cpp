// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_options.h"

#include "engine/error.h"

namespace engine::optical_transformer {
namespace {

void require(const ParamValues& values, const std::string& name, const std::string& only,
             const std::string& layer) {
  if (!values.contains(name) || values.get_text(name) == only) return;
  fail("bad-value", {},
       layer + ": optical_transformer has no " + name + ": " + values.get_text(name) + " yet",
       "Use " + name + ": " + only);
}

RangeMode range_mode(const std::string& text) {
  if (text == "freeze") return RangeMode::freeze;
  return text == "calibrate" ? RangeMode::calibrate : RangeMode::track;
}

}  // namespace

bool OpticalOptions::observes(const ForwardContext& context) const {
  if (context.phase == Phase::calibrate) return true;
  return context.phase == Phase::train && mode == RangeMode::track && !context.recompute;
}

OpticalOptions optical_options(const ParamValues& values, const std::string& layer) {
  require(values, "stats", "current", layer);
  require(values, "semantics", "intended", layer);
  OpticalOptions options;
  options.levels = static_cast<std::int32_t>(values.get_int("q_levels"));
  options.lut_min = static_cast<float>(values.get_optional_real("q_lut_min").value_or(0.0));
  options.quantiles = values.get_optional_pair("q_quantiles");
  options.smooth_factor = static_cast<float>(values.get_real("q_smooth_factor"));
  options.seed = static_cast<std::uint64_t>(values.get_int("q_init_seed"));
  options.bypass = values.get_bool("q_bypass");
  options.noise = values.get_bool("noise");
  options.clip_gradient = values.get_text("ste") == "clip";
  options.full_score_statistics = values.get_text("stats_scope") == "full";
  options.mode = range_mode(values.get_text("mode"));
  return options;
}

}  // namespace engine::optical_transformer
