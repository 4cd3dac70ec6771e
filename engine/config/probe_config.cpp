// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/probe_config.h"

#include "engine/config/output_file.h"
#include "engine/config/run_config.h"
#include "engine/printable.h"
#include "engine/utf8.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <set>

namespace engine {
namespace {

constexpr std::array kOperations = {ProbeOperation::linear, ProbeOperation::matmul,
                                    ProbeOperation::attention, ProbeOperation::tensor};

Problem problem(std::string id, std::string flag, std::string value, std::string message,
                std::string remedy = "") {
  return {.id = std::move(id),
          .severity = Severity::error,
          .place = {.file = std::move(flag)},
          .value = std::move(value),
          .message = std::move(message),
          .remedy = std::move(remedy)};
}

void check_device(const std::string& device, std::vector<Problem>& problems) {
  if (is_device_name(device)) return;
  problems.push_back(problem("bad-value", "--device", device,
                             fmt::format("--device is \"{}\"", device),
                             "Give auto, cpu, cuda or cuda:0"));
}

void check_count(const char* flag, std::int64_t value, std::int64_t least,
                 std::vector<Problem>& problems) {
  if (value >= least) return;
  problems.push_back(problem("bad-value", flag, std::to_string(value),
                             fmt::format("{} is {}, but must be at least {}", flag, value, least)));
}

void check_given(const char* flag, const std::string& value, std::vector<Problem>& problems) {
  if (!value.empty()) return;
  problems.push_back(
      problem("missing-flag", flag, "", fmt::format("{} is missing", flag), "Give a file"));
}

/// The noise counts steps in 32 bits: beyond them the draws of the first steps would come again.
void check_last_step(const ProbeConfig& config, std::vector<Problem>& problems) {
  constexpr std::int64_t kSteps = std::int64_t{1} << 32;
  const std::int64_t draws = config.repeat.value_or(1);
  if (config.step < kSteps && draws <= kSteps - config.step) return;
  problems.push_back(problem(
      "bad-value", "--step", std::to_string(config.step),
      fmt::format("{} draws from --step {} on go beyond step {}, where the noise begins anew",
                  draws, config.step, kSteps - 1),
      "Give a smaller --step or --repeat"));
}

/// What is written may replace nothing that is read, nor each other; both find a folder to be in.
void check_files(const ProbeConfig& config, std::vector<Problem>& problems) {
  using Named = std::pair<const char*, std::string>;
  std::vector<Named> written = {{"--output", config.output}};
  if (!config.measured.empty()) written.emplace_back("--rule", rule_file(config));
  std::vector<Named> others = {{"--input", config.input}, {"--measured", config.measured}};
  for (const auto& [flag, file] : written) {
    for (const auto& [other_flag, other] : others) {
      if (!is_same_file(file, other)) continue;
      problems.push_back(problem("bad-value", flag, file,
                                 fmt::format("{} and {} are the same file", other_flag, flag),
                                 fmt::format("Give {} a name of its own", flag)));
    }
    if (auto found = output_file_problem(flag, file)) problems.push_back(std::move(*found));
    others.emplace_back(flag, file);
  }
}

}  // namespace

const char* to_string(ProbeOperation operation) {
  switch (operation) {
    case ProbeOperation::linear:
      return "linear";
    case ProbeOperation::matmul:
      return "matmul";
    case ProbeOperation::attention:
      return "attention";
    case ProbeOperation::tensor:
      return "tensor";
  }
  return "";
}

std::optional<ProbeOperation> probe_operation(const std::string& word) {
  for (const ProbeOperation operation : kOperations) {
    if (word == to_string(operation)) return operation;
  }
  return std::nullopt;
}

const std::vector<std::string>& probe_inputs(ProbeOperation operation) {
  static const std::vector<std::string> linear = {"x", "weight", "bias"};
  static const std::vector<std::string> matmul = {"a", "b"};
  static const std::vector<std::string> attention = {"q", "k", "v"};
  static const std::vector<std::string> tensor = {"x"};
  switch (operation) {
    case ProbeOperation::linear:
      return linear;
    case ProbeOperation::matmul:
      return matmul;
    case ProbeOperation::attention:
      return attention;
    case ProbeOperation::tensor:
      return tensor;
  }
  return tensor;
}

std::vector<Problem> problems_in(const ProbeConfig& config) {
  std::vector<Problem> problems;
  check_given("--input", config.input, problems);
  check_given("--output", config.output, problems);
  check_count("--repeat", config.repeat.value_or(1), 1, problems);
  check_count("--seed", config.seed, 0, problems);
  check_count("--step", config.step, 0, problems);
  check_last_step(config, problems);
  check_device(config.device, problems);
  if (config.layer.empty()) {
    problems.push_back(problem("bad-value", "--layer", "", "--layer is empty"));
  } else if (!is_valid_utf8(config.layer)) {
    problems.push_back(
        problem("bad-value", "--layer", config.layer,
                fmt::format("--layer is \"{}\", which is not UTF-8", printable(config.layer)),
                "Give a layer's name as the checkpoint writes it"));
  }
  if (!(config.confidence > 0.5 && config.confidence < 1)) {
    problems.push_back(problem("bad-value", "--confidence", fmt::format("{}", config.confidence),
                               fmt::format("--confidence is {}", config.confidence),
                               "Give a probability in (0.5, 1), such as 0.99"));
  }
  std::set<std::string> sites;
  for (const FixedRange& fixed : config.ranges) {
    const auto [low, high] = fixed.range;
    const bool is_good = std::isfinite(low) && std::isfinite(high) && low < high;
    if (!is_good || std::abs(low) > 3.4e38 || std::abs(high) > 3.4e38) {
      problems.push_back(
          problem("bad-value", "--range", fmt::format("{}={},{}", fixed.site, low, high),
                  fmt::format("the range of {} is [{}, {}], but must be finite with low < high",
                              fixed.site, low, high)));
    }
    if (!sites.insert(fixed.site).second) {
      problems.push_back(problem("bad-value", "--range", fixed.site,
                                 fmt::format("the range of {} is given twice", fixed.site)));
    }
  }
  if (config.role != "x" && config.operation != ProbeOperation::tensor) {
    problems.push_back(
        problem("bad-usage", "--role", config.role,
                fmt::format("--role names the operand of --op tensor, but --op is {}",
                            to_string(config.operation)),
                "Leave --role out, or give --op tensor"));
  }
  if (!config.causal && config.operation != ProbeOperation::attention) {
    problems.push_back(problem("bad-usage", "--no-causal", "",
                               fmt::format("--no-causal is about --op attention, but --op is {}",
                                           to_string(config.operation)),
                               "Leave --no-causal out, or give --op attention"));
  }
  if (!config.rule.empty() && config.measured.empty()) {
    problems.push_back(
        problem("bad-usage", "--rule", config.rule,
                "--rule asks for the rule that fits a measurement, but there is none",
                "Give --measured FILE too"));
  }
  check_files(config, problems);
  return problems;
}

std::vector<Problem> problems_in(const SelfCheckConfig& config) {
  std::vector<Problem> problems;
  check_count("--samples", config.samples, 1000, problems);
  check_count("--seed", config.seed, 0, problems);
  check_device(config.device, problems);
  return problems;
}

LayerKind probed_kind(const ProbeConfig& config) {
  static const std::set<std::string> of_attention = {"q", "k", "v", "probabilities"};
  const bool is_attention =
      config.operation == ProbeOperation::attention ||
      (config.operation == ProbeOperation::tensor && of_attention.count(config.role) > 0);
  return is_attention ? LayerKind::attention : LayerKind::linear;
}

ParamValues probe_values(const ParamSchema& schema,
                         const std::vector<std::pair<std::string, std::string>>& params,
                         std::vector<Problem>& problems) {
  ParamValues values;
  for (const auto& [name, text] : params) {
    const Place place{.file = "--param"};
    const ParamSpec* spec = schema.find(name);
    if (spec == nullptr) {
      const std::string near = schema.nearest(name);
      problems.push_back(problem("bad-value", "--param", name,
                                 fmt::format("unknown parameter {}", name),
                                 near.empty() ? "" : fmt::format("Did you mean {}?", near)));
      continue;
    }
    const std::size_t before = problems.size();
    ParamValue value = parse_value(*spec, text, place, problems);
    if (problems.size() == before) values.set(name, std::move(value), place);
  }
  const std::vector<Problem> more = problems_in(schema, values);
  problems.insert(problems.end(), more.begin(), more.end());
  return values;
}

std::string rule_file(const ProbeConfig& config) {
  if (!config.rule.empty()) return config.rule;
  return std::filesystem::path(config.output).replace_extension(".yaml").string();
}

}  // namespace engine
