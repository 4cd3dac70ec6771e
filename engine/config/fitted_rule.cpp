// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/fitted_rule.h"

#include "engine/config/yaml_values.h"
#include "engine/printable.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

std::string estimate_text(const Estimate& estimate) {
  return fmt::format("{:.6g} ({:.6g} … {:.6g})", estimate.value, estimate.low, estimate.high);
}

std::string value_text(const ParamValue& value) {
  const auto* word = std::get_if<std::string>(&value);
  return word != nullptr ? yaml_text(*word) : to_string(value);
}

bool is_fitted(const RuleFit& fit, const std::string& name) {
  return std::any_of(fit.parameters.begin(), fit.parameters.end(),
                     [&](const FittedParameter& parameter) { return parameter.name == name; });
}

}  // namespace

std::string fitted_rule_yaml(const ParadigmInfo& info, const ProbeReport& report) {
  const MeasuredReport& measured = *report.measured;
  const RuleFit& fit = measured.fit;
  std::string text = fmt::format(
      "# Fitted by paradigm probe --op {} to {}\n"
      "# {} repeats of {} outputs; intervals hold together with probability {:g}\n"
      "# gain {}  offset {}  noise {}\n"
      "# (gain and offset of the hardware are no part of a rule: they were taken out first)\n"
      "# mean ranked score {:.6g}, as given {:.6g}\n",
      report.operation, printable(measured.file, 200), measured.hardware.repeats,
      measured.hardware.elements, measured.confidence, estimate_text(measured.hardware.gain),
      estimate_text(measured.hardware.offset), estimate_text(measured.hardware.noise),
      fit.score_fitted, fit.score_given);
  text += fmt::format("paradigm: {}\nlayer_name_to_config:\n  default:\n", yaml_text(info.id));
  bool is_empty = true;
  for (const PlacedValue& entry : fit.values.entries()) {
    const ParamSpec* spec = info.schema.find(entry.name);
    if (spec == nullptr) continue;
    if (entry.value == spec->default_value && !is_fitted(fit, entry.name)) continue;
    text += fmt::format("    {}: {}\n", entry.name, value_text(entry.value));
    is_empty = false;
  }
  if (is_empty) text.insert(text.size() - 1, " {}");
  return text;
}

}  // namespace engine
