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

/// What a rule must say so that a layer of this kind gets all of the fitted values: those that were
/// fitted and those that it would not get by leaving them out.
ParamValues values_to_write(const ParadigmInfo& info, LayerKind kind, const RuleFit& fit) {
  ParamValues all;
  for (const PlacedValue& entry : fit.values.entries()) {
    if (info.schema.find(entry.name) != nullptr) all.set(entry.name, entry.value);
  }
  ParamValues written;
  for (const PlacedValue& entry : all.entries()) {
    ParamValues others;
    for (const PlacedValue& other : all.entries()) {
      if (other.name != entry.name) others.set(other.name, other.value);
    }
    const bool comes_by_itself = info.schema.find(entry.name)->default_value == entry.value &&
                                 info.requested_values(others, kind).get(entry.name) == entry.value;
    if (!comes_by_itself || is_fitted(fit, entry.name)) written.set(entry.name, entry.value);
  }
  return info.effective_values(written, kind).same_values(info.effective_values(all, kind))
             ? written
             : all;
}

}  // namespace

std::string fitted_rule_yaml(const ParadigmInfo& info, LayerKind kind, const ProbeReport& report) {
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
  const ParamValues written = values_to_write(info, kind, fit);
  for (const PlacedValue& entry : written.entries()) {
    text += fmt::format("    {}: {}\n", entry.name, value_text(entry.value));
  }
  if (written.empty()) text.insert(text.size() - 1, " {}");
  return text;
}

}  // namespace engine
