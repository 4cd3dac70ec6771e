// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/number_check.h"
#include "app/paradigm/probe_text.h"
#include "app/paradigm/shown_progress.h"
#include "engine/config/number_text.h"
#include "engine/error.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

namespace paradigm {
namespace {

struct Options {
  engine::ProbeConfig config;
  std::string operation;
  std::vector<std::string> params;
  std::vector<std::string> ranges;
  bool no_causal = false;
  bool self_check = false;
  std::int64_t samples = engine::SelfCheckConfig().samples;
  bool json = false;
};

engine::Problem bad_word(const char* flag, const std::string& word, const std::string& message,
                         const std::string& remedy) {
  return {.id = "bad-value",
          .severity = engine::Severity::error,
          .place = {.file = flag},
          .value = word,
          .message = message,
          .remedy = remedy};
}

/// "name=text" in its two halves.
std::optional<std::pair<std::string, std::string>> halves(const std::string& word) {
  const std::size_t at = word.find('=');
  if (at == std::string::npos || at == 0) return std::nullopt;
  return std::pair(word.substr(0, at), word.substr(at + 1));
}

std::vector<std::pair<std::string, std::string>> given_params(
    const std::vector<std::string>& words, std::vector<engine::Problem>& problems) {
  std::vector<std::pair<std::string, std::string>> params;
  for (const std::string& word : words) {
    if (const auto both = halves(word)) {
      params.push_back(*both);
    } else {
      problems.push_back(bad_word("--param", word, fmt::format("\"{}\" is not key=value", word),
                                  "Write --param q_levels=64"));
    }
  }
  return params;
}

std::vector<engine::FixedRange> given_ranges(const std::vector<std::string>& words,
                                             std::vector<engine::Problem>& problems) {
  std::vector<engine::FixedRange> ranges;
  for (const std::string& word : words) {
    const auto both = halves(word);
    const std::string text = both ? both->second : "";
    const std::size_t comma = text.find(',');
    const auto low = engine::read_number(text.substr(0, comma));
    const auto high = engine::read_number(comma == std::string::npos ? "" : text.substr(comma + 1));
    if (both && low.real && high.real) {
      ranges.push_back({both->first, {*low.real, *high.real}});
    } else {
      problems.push_back(bad_word("--range", word,
                                  fmt::format("\"{}\" is not a range of numbers", word),
                                  "Write --range x=-1,1"));
    }
  }
  return ranges;
}

engine::ProbeOperation given_operation(const std::string& word,
                                       std::vector<engine::Problem>& problems) {
  if (const auto operation = engine::probe_operation(word)) return *operation;
  const std::string near = engine::nearest_name(word, {"linear", "matmul", "attention", "tensor"});
  problems.push_back(
      bad_word("--op", word,
               word.empty() ? "--op is missing" : fmt::format("there is no operation {}", word),
               near.empty() ? "Give linear, matmul, attention or tensor"
                            : fmt::format("Did you mean {}?", near)));
  return engine::ProbeOperation::linear;
}

int check_itself(const Options& options) {
  std::vector<engine::Problem> problems;
  engine::SelfCheckConfig config;
  config.paradigm = options.config.paradigm;
  config.params = given_params(options.params, problems);
  config.samples = options.samples;
  config.seed = options.config.seed;
  config.device = options.config.device;
  if (engine::has_errors(problems)) throw engine::Error(problems);
  const auto report = with_shown_progress([&](const engine::ProgressFunction& progress) {
    return app::load_engine().self_check(config, progress);
  });
  print_report(options.json, json_of(report), text_of(report));
  return report.pass() ? kDone : kFailed;
}

int probe(Options options) {
  if (options.self_check) return check_itself(options);
  std::vector<engine::Problem> problems;
  options.config.operation = given_operation(options.operation, problems);
  options.config.params = given_params(options.params, problems);
  options.config.ranges = given_ranges(options.ranges, problems);
  options.config.causal = !options.no_causal;
  const std::vector<engine::Problem> more = problems_in(options.config);
  problems.insert(problems.end(), more.begin(), more.end());
  if (engine::has_errors(problems)) throw engine::Error(problems);
  const auto report = with_shown_progress([&](const engine::ProgressFunction& progress) {
    return app::load_engine().probe(options.config, progress);
  });
  print_report(options.json, json_of(report), text_of(report));
  return kDone;
}

void declare_options(CLI::App& app, Options& options) {
  engine::ProbeConfig& config = options.config;
  // Of an option given twice the last counts, as with every other command.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--paradigm", config.paradigm, "Whose operation; --self-check: of all without it")
      ->type_name("NAME");
  app.add_option("--op", options.operation,
                 "linear (tensors x, weight, perhaps bias), matmul (a […, M, K], b […, K, N]; b is "
                 "the second operand), attention (q, k, v [B, H, S, D], fewer key/value heads "
                 "allowed; y has the shape of q), or tensor (x: how one operand is encoded)")
      ->type_name("OPERATION");
  app.add_option("--param", options.params, "A parameter of the paradigm; may be repeated")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option(
         "--range", options.ranges,
         "Fixes a range, otherwise taken from the data: x, weight, out (linear, matmul), q, "
         "k, qk, v, out (attention); may be repeated")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("SITE=LOW,HIGH")
      ->allow_extra_args(false);
  app.add_option("--role", config.role, "tensor: which operand x is (default x)")
      ->type_name("NAME");
  app.add_flag("--no-causal,--no_causal", options.no_causal,
               "attention: every query sees every key");
  app.add_option("--input", config.input, "Safetensors file with the inputs: F32, BF16 or F16")
      ->type_name("FILE");
  app.add_option("--output", config.output, "Safetensors file for y; replaced whole or not at all")
      ->type_name("FILE");
  app.add_option("--repeat", config.repeat,
                 "Draws at successive steps; y then has the draw as its first dimension")
      ->type_name("COUNT")
      ->check(whole_number_from(1));
  app.add_option("--seed", config.seed, "The run's seed (default 42)")
      ->type_name("INT")
      ->check(whole_number_from(0));
  app.add_option("--step", config.step, "Step of the first draw (default 0)")
      ->type_name("INT")
      ->check(whole_number_from(0));
  app.add_option("--layer", config.layer,
                 "Layer's name: it enters the key of the noise (default probe)")
      ->type_name("NAME");
  app.add_option("--device", config.device, "auto, cpu, cuda or cuda:i (default cpu)")
      ->type_name("DEVICE");
  app.add_option("--measured", config.measured,
                 "Readings of real hardware for the same inputs (.safetensors, .npy, .csv): the "
                 "shape of y, repeats in a dimension before it")
      ->type_name("FILE");
  app.add_option("--rule", config.rule,
                 "Where the rule that fits the readings goes (default: --output with .yaml)")
      ->type_name("FILE");
  app.add_option("--confidence", config.confidence,
                 "Probability that the printed intervals hold together (default 0.99)")
      ->type_name("P");
  app.add_flag("--self-check,--self_check", options.self_check,
               "Run the statistical tests of the noise instead; exit code 1 when a row fails");
  app.add_option("--samples", options.samples, "Samples per row of --self-check (default 10000000)")
      ->type_name("COUNT")
      ->check(whole_number_from(1000));
  app.add_flag("--json", options.json, "Print one JSON object");
}

}  // namespace

Command probe_command() {
  return {
      .name = "probe",
      .summary = "One operation of a paradigm on given tensors, beside measurements; self-check",
      .examples =
          "paradigm probe --paradigm optical_transformer --op linear --param q_levels=64 "
          "--input resources/probe/inputs.safetensors --output out.safetensors --repeat 8\n"
          "paradigm probe --paradigm optical_transformer --op linear --repeat 6 --input "
          "resources/probe/inputs.safetensors --output out.safetensors --measured "
          "resources/probe/readings.npy\n"
          "paradigm probe --self-check --samples 10000000",
      .declare = [](CLI::App& app) -> std::function<int()> {
        auto options = std::make_shared<Options>();
        declare_options(app, *options);
        return [options] { return probe(*options); };
      }};
}

}  // namespace paradigm
