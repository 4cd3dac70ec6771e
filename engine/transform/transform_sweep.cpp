// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_sweep.h"

#include "engine/error.h"
#include "engine/scripted/scripted_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace engine {
namespace {

constexpr const char* kFlag = "--sweep";
constexpr const char* kExample = "Write --sweep NAME=VALUE,VALUE, such as q_levels=4,16,256";

Problem sweep_problem(std::string value, std::string message, std::string remedy) {
  return {.id = "bad-value",
          .severity = Severity::error,
          .place = {.file = kFlag},
          .value = std::move(value),
          .message = std::move(message),
          .remedy = std::move(remedy)};
}

/// At the commas that stand in no bracket.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '(' || c == '{') ++depth;
    if (c == ']' || c == ')' || c == '}') --depth;
    if (c == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// The built-in paradigms and those that the file names by path.
std::vector<ParadigmInfo> with_scripted(std::vector<ParadigmInfo> infos,
                                        const TransformConfig& config) {
  for (const auto& file : config.scripted) infos.push_back(file->info);
  return infos;
}

/// The parameters of the paradigms that the rules name, for messages.
std::vector<std::string> parameters_of(const TransformConfig& config,
                                       const std::vector<ParadigmInfo>& infos) {
  std::set<std::string> names;
  for (const TransformRule& rule : config.rules) {
    const ParadigmInfo* info = find_paradigm(infos, rule.paradigm);
    if (info == nullptr) continue;
    for (const ParamSpec& spec : info->schema.specs()) names.insert(spec.name);
  }
  return {names.begin(), names.end()};
}

/// Sets the value in every rule that can hold it; what it is in effect, or "" when no rule can.
std::string set_everywhere(TransformConfig& config, const std::string& parameter,
                           const std::string& value, const std::vector<ParadigmInfo>& infos,
                           std::vector<Problem>& problems) {
  std::string effective;
  std::set<std::string> checked;  // a problem is told once for each paradigm, not for each rule
  for (TransformRule& rule : config.rules) {
    const ParadigmInfo* info = find_paradigm(infos, rule.paradigm);
    const ParamSpec* spec = info == nullptr ? nullptr : info->schema.find(parameter);
    if (spec == nullptr) continue;
    std::vector<Problem> found;
    const Place place{.file = kFlag};
    ParamValues alone;
    alone.set(parameter, parse_value(*spec, value, place, found), place);
    if (found.empty()) {
      for (Problem& problem : problems_in(info->schema, alone)) {
        if (problem.place.file == kFlag) found.push_back(std::move(problem));
      }
    }
    if (checked.insert(info->id).second) {
      problems.insert(problems.end(), found.begin(), found.end());
    }
    effective = to_string(info->schema.effective(alone).get(parameter));
    rule.values.set(parameter, alone.get(parameter), place);
  }
  return effective;
}

void check_parameters(const TransformConfig& base, const std::vector<SweepAxis>& axes,
                      const std::vector<ParadigmInfo>& infos, std::vector<Problem>& problems) {
  const std::vector<std::string> known = parameters_of(base, infos);
  std::set<std::string> named;
  for (const SweepAxis& axis : axes) {
    if (std::find(known.begin(), known.end(), axis.parameter) == known.end()) {
      const std::string near = nearest_name(axis.parameter, known);
      problems.push_back(sweep_problem(
          axis.parameter,
          fmt::format("no rule of {} has a parameter {}",
                      base.file.empty() ? "the transform" : base.file, axis.parameter),
          near.empty() ? fmt::format("It has {}", fmt::join(known, ", "))
                       : fmt::format("Did you mean {}?", near)));
    } else if (!named.insert(axis.parameter).second) {
      problems.push_back(sweep_problem(axis.parameter,
                                       fmt::format("{} is swept twice", axis.parameter),
                                       "Name all its values in one --sweep"));
    }
  }
}

bool is_seed(const ParamSpec& spec) {
  return spec.kind == ParamKind::integer && spec.name.find("seed") != std::string::npos;
}

}  // namespace

SweepAxis parse_sweep_axis(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(sweep_problem(text, fmt::format("\"{}\" names no parameter", text), kExample));
  }
  SweepAxis axis{text.substr(0, equals), split(text.substr(equals + 1))};
  for (const std::string& value : axis.values) {
    if (is_schedule_text(value)) {
      throw Error(sweep_problem(
          text, fmt::format("{} is a schedule, and a sweep takes numbers and words", value),
          fmt::format("Write the schedule in the rule: {}: {}", axis.parameter, value)));
    }
    if (!value.empty()) continue;
    throw Error(sweep_problem(text, fmt::format("\"{}\" has an empty value", text), kExample));
  }
  return axis;
}

std::string label_of(const std::vector<SweepSetting>& settings) {
  std::string label;
  for (const SweepSetting& setting : settings) {
    label += (label.empty() ? "" : " ") + setting.parameter + "=" + setting.value;
  }
  return label;
}

std::vector<SweepPoint> sweep_points(const TransformConfig& base,
                                     const std::vector<SweepAxis>& axes,
                                     const std::vector<ParadigmInfo>& built_in) {
  const std::vector<ParadigmInfo> infos = with_scripted(built_in, base);
  std::vector<Problem> problems;
  check_parameters(base, axes, infos, problems);
  if (!problems.empty()) throw Error(std::move(problems));
  for (const SweepAxis& axis : axes) {
    for (const std::string& value : axis.values) {
      TransformConfig scratch = base;
      set_everywhere(scratch, axis.parameter, value, infos, problems);
    }
  }
  if (!problems.empty()) throw Error(std::move(problems));

  std::vector<SweepPoint> points{{.settings = {}, .config = base}};
  for (const SweepAxis& axis : axes) {
    std::vector<SweepPoint> finer;
    for (const SweepPoint& point : points) {
      for (const std::string& value : axis.values) {
        SweepPoint next = point;
        const std::string effective =
            set_everywhere(next.config, axis.parameter, value, infos, problems);
        next.settings.push_back({axis.parameter, value, effective});
        finer.push_back(std::move(next));
      }
    }
    points = std::move(finer);
  }
  return points;
}

std::optional<TransformConfig> with_reference_semantics(const TransformConfig& config,
                                                        const std::vector<ParadigmInfo>& built_in,
                                                        std::int64_t draw) {
  const std::vector<ParadigmInfo> infos = with_scripted(built_in, config);
  constexpr std::int64_t kSeedStride = std::int64_t{1} << 32;
  TransformConfig changed = config;
  bool differs = false;
  for (TransformRule& rule : changed.rules) {
    const ParadigmInfo* info = find_paradigm(infos, rule.paradigm);
    const ParamSpec* semantics = info == nullptr ? nullptr : info->schema.find("semantics");
    const std::string reference_name = "reference";
    // A scripted paradigm may call something else of its own `semantics`.
    if (semantics == nullptr || !semantics->refused_because.empty() ||
        std::count(semantics->choices.begin(), semantics->choices.end(), reference_name) == 0) {
      continue;
    }
    const ParamValue reference = reference_name;
    const ParamValues before = info->schema.effective(rule.values);
    if (before.get("semantics") == reference) continue;
    differs = true;
    rule.values.set("semantics", reference);
    for (const ParamSpec& spec : info->schema.specs()) {
      if (draw == 0 || !is_seed(spec)) continue;
      rule.values.set(spec.name, before.get_int(spec.name) + draw * kSeedStride);
    }
  }
  if (!differs) return std::nullopt;
  return changed;
}

}  // namespace engine
