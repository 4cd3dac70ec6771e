// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/paradigm_report.h"

#include "app/paradigm/output.h"
#include "engine/printable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace paradigm {
namespace {

using engine::ConformanceResult;
using engine::ParamSpec;
using engine::ScriptedMethod;
using engine::ScriptedNoise;
using Outcome = ConformanceResult::Outcome;

const char* kind_name(engine::ParamKind kind) {
  switch (kind) {
    case engine::ParamKind::boolean:
      return "bool";
    case engine::ParamKind::integer:
      return "int";
    case engine::ParamKind::real:
      return "real";
    case engine::ParamKind::probability:
      return "probability";
    case engine::ParamKind::choice:
      return "choice";
    case engine::ParamKind::real_pair:
      return "pair";
    case engine::ParamKind::text:
    case engine::ParamKind::path:
      return "text";
  }
  return "";
}

std::string like_name(engine::NoiseShape shape) {
  constexpr const char* names[] = {"output", "input", "weight", "scores", "q", "k", "v"};
  return names[static_cast<std::size_t>(shape)];
}

std::string kind_name(engine::NoiseKind kind) {
  return kind == engine::NoiseKind::normal ? "normal" : "uniform";
}

std::string period_name(engine::NoisePeriod period) {
  return period == engine::NoisePeriod::call ? "call" : "run";
}

std::vector<const ScriptedMethod*> methods_of(const engine::ScriptedFile& file) {
  std::vector<const ScriptedMethod*> methods;
  for (const auto* method : {&file.linear, &file.attention})
    if (*method) methods.push_back(&**method);
  return methods;
}

std::vector<std::string> target_names(const engine::ParadigmInfo& info) {
  std::vector<std::string> names;
  for (const engine::LayerKind kind : info.targets) names.emplace_back(engine::to_string(kind));
  return names;
}

}  // namespace

std::string ParadigmReport::schema_text() const {
  const engine::ParadigmInfo& info = paradigm.info;
  std::string text = fmt::format("{}: {}\n{}\nreplaces {}\n", info.id, info.title, info.summary,
                                 fmt::join(target_names(info), " and "));
  if (paradigm.file != nullptr)
    text += fmt::format("{}, SHA-256 {}\n", paradigm.file->path.string(), paradigm.file->sha256);
  text += "\n";
  std::size_t name_width = 9;
  std::size_t default_width = 7;
  for (const ParamSpec& spec : info.schema.specs()) {
    name_width = std::max(name_width, spec.name.size());
    default_width = std::max(default_width, engine::to_string(spec.default_value).size());
  }
  text += fmt::format("{:<{}}  {:<11}  {:<{}}  allowed\n", "parameter", name_width, "type",
                      "default", default_width);
  for (const ParamSpec& spec : info.schema.specs()) {
    std::string allowed = engine::allowed_range(spec);
    if (spec.is_nullable) allowed += allowed.empty() ? "or null" : " or null";
    text += fmt::format("{:<{}}  {:<11}  {:<{}}  {}{}{}\n", spec.name, name_width,
                        kind_name(spec.kind), engine::to_string(spec.default_value), default_width,
                        allowed, allowed.empty() ? "" : ". ", engine::printable(spec.help_text));
  }
  if (paradigm.file == nullptr) return text;
  for (const ScriptedMethod* method : methods_of(*paradigm.file))
    for (const ScriptedNoise& noise : method->noises)
      text += fmt::format("noise {} of {}: {}, like {}, drawn every {}\n", noise.name, method->name,
                          kind_name(noise.kind), like_name(noise.shape), period_name(noise.period));
  if (!paradigm.file->state.empty())
    text += fmt::format("state: {}\n", fmt::join(paradigm.file->state, ", "));
  return text;
}

std::string ParadigmReport::results_text() const {
  std::string text = "\n";
  int kept = 0, broken = 0;
  for (const ConformanceResult& result : results) {
    kept += result.outcome == Outcome::kept ? 1 : 0;
    broken += result.outcome == Outcome::broken ? 1 : 0;
    text += fmt::format(
        "{:<9}  {:<14}  {}\n", engine::to_string(result.kind),
        result.outcome == Outcome::broken ? "BROKEN" : engine::to_string(result.outcome),
        result.promise);
    if (!result.reason.empty())
      text += fmt::format("{:27}{}\n", "", engine::printable(result.reason, 400));
  }
  return text + fmt::format("{} kept, {} broken, {} do not apply\n", kept, broken,
                            static_cast<int>(results.size()) - kept - broken);
}

nlohmann::ordered_json ParadigmReport::json() const {
  const engine::ParadigmInfo& info = paradigm.info;
  Json parameters = Json::array();
  for (const ParamSpec& spec : info.schema.specs())
    parameters.push_back({{"name", spec.name},
                          {"type", kind_name(spec.kind)},
                          {"default", engine::to_string(spec.default_value)},
                          {"nullable", spec.is_nullable},
                          {"allowed", engine::allowed_range(spec)},
                          {"unit", spec.unit_text},
                          {"help", spec.help_text}});
  Json json{{"id", info.id},
            {"title", info.title},
            {"summary", info.summary},
            {"targets", target_names(info)},
            {"parameters", std::move(parameters)}};
  if (paradigm.file != nullptr) {
    json["file"] = paradigm.file->path.string();
    json["sha256"] = paradigm.file->sha256;
    json["state"] = paradigm.file->state;
    json["noise"] = Json::array();
    for (const ScriptedMethod* method : methods_of(*paradigm.file))
      for (const ScriptedNoise& noise : method->noises)
        json["noise"].push_back({{"method", method->name},
                                 {"name", noise.name},
                                 {"kind", kind_name(noise.kind)},
                                 {"like", like_name(noise.shape)},
                                 {"per", period_name(noise.period)}});
  }
  json["checks"] = Json::array();
  for (const ConformanceResult& result : results)
    json["checks"].push_back({{"check", result.check},
                              {"kind", engine::to_string(result.kind)},
                              {"outcome", engine::to_string(result.outcome)},
                              {"promise", result.promise},
                              {"reason", result.reason}});
  json["problems"] = Json::array();
  return json;
}

bool ParadigmReport::is_broken() const {
  return std::any_of(results.begin(), results.end(), [](const ConformanceResult& result) {
    return result.outcome == Outcome::broken;
  });
}

}  // namespace paradigm
