// SPDX-License-Identifier: GPL-3.0-or-later
// The flags of `paradigm try` and `paradigm scan`.
#include "engine/config/trial_schema.h"

#include "engine/config/flag_tables.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

/// The flags of `eval`, without those that a trial decides itself.
ParamSpecs eval_flags() {
  ParamSpecs flags;
  for (const ParamSpec& flag : eval_schema().specs()) {
    const bool is_own =
        flag.name == "per_device_eval_batch_size" || flag.name == "max_eval_samples";
    if (!is_own) flags.push_back(flag);
  }
  const auto block_size = std::find_if(
      flags.begin(), flags.end(), [](const ParamSpec& flag) { return flag.name == "block_size"; });
  block_size->help("Length of a sequence; null = what training would take, at most 256");
  return flags;
}

ParamSpecs trial_flags(std::int64_t draws) {
  return in_group(
      "Trial",
      {integer("batches", 8)
           .range(1, kMostAtOnce)
           .ours()
           .help("Batches that are measured; the interval of the difference is over them"),
       integer("batch_size", unset)
           .nullable()
           .range(1, kMostAtOnce)
           .ours()
           .unit("sequences")
           .help("Sequences in a batch; null = about 512 tokens"),
       integer("noise_seeds", draws)
           .range(1, 1000)
           .ours()
           .unit("draws")
           .help("Independent draws of the simulated noise, at seeds seed, seed + 1, ...")});
}

ParamSpecs prompt_flags() {
  return in_group(
      "Trial",
      {text("prompt", unset)
           .nullable()
           .ours()
           .help("Text whose likeliest next tokens are shown before and after; null = "
                 "the beginning of the measured text"),
       integer("top_tokens", 5).range(0, 1000).ours().help("How many of them, of either model")});
}

ParamSpecs scan_flags() {
  return in_group(
      "Scan",
      {boolean("one_on", true).ours().help("Measure each layer simulated alone, all others plain"),
       boolean("one_off", true)
           .ours()
           .help("Measure each layer plain, all others simulated: what keeping it digital wins"),
       boolean("layers", true).ours().help("Scan single layers"),
       boolean("kinds", true).ours().help("Scan all layers of a kind together"),
       real("flops_budget", 10)
           .range(0, 100)
           .ours()
           .unit("%")
           .help("Largest share of a forward pass that the proposal may keep digital"),
       path("results", unset)
           .nullable()
           .ours()
           .help("File of measured cells: they are appended, and not measured again; null = one in "
                 "the cache folder for this model, text and these options"),
       path("output", unset)
           .nullable()
           .ours()
           .help("Write the transform file with the proposal in it here")});
}

}  // namespace

const ParamSchema& try_schema() {
  static const ParamSchema schema = [] {
    ParamSpecs flags = eval_flags();
    append(flags, trial_flags(3));
    append(flags, prompt_flags());
    return ParamSchema(std::move(flags));
  }();
  return schema;
}

const ParamSchema& scan_schema() {
  static const ParamSchema schema = [] {
    ParamSpecs flags = eval_flags();
    append(flags, trial_flags(2));
    append(flags, scan_flags());
    return ParamSchema(std::move(flags));
  }();
  return schema;
}

TrialConfig trial_config_from(const ParamValues& values) {
  const ParamValues all = scan_schema().with_defaults(values);
  TrialConfig config;
  config.eval = eval_config_from(values);
  config.batches = all.get_int("batches");
  if (is_set(all.get("batch_size"))) config.batch_size = all.get_int("batch_size");
  return config;
}

TryOptions try_options_from(const ParamValues& values) {
  const ParamValues all = try_schema().with_defaults(values);
  TryOptions options;
  options.noise_draws = all.get_int("noise_seeds");
  if (is_set(all.get("prompt"))) options.prompt = all.get_text("prompt");
  options.top_tokens = all.get_int("top_tokens");
  return options;
}

ScanOptions scan_options_from(const ParamValues& values) {
  const ParamValues all = scan_schema().with_defaults(values);
  ScanOptions options;
  options.noise_draws = all.get_int("noise_seeds");
  options.one_on = all.get_bool("one_on");
  options.one_off = all.get_bool("one_off");
  options.layers = all.get_bool("layers");
  options.kinds = all.get_bool("kinds");
  options.flops_budget = all.get_real("flops_budget") / 100;
  if (is_set(all.get("results"))) options.results_file = all.get_text("results");
  return options;
}

std::vector<Problem> problems_in(const ScanOptions& options) {
  std::vector<Problem> problems;
  const auto add = [&](const char* flag, const char* message, const char* remedy) {
    Problem problem;
    problem.id = "bad-usage";
    problem.place.file = flag;
    problem.message = message;
    problem.remedy = remedy;
    problems.push_back(std::move(problem));
  };
  if (!options.one_on && !options.one_off)
    add("--one_on", "neither one_on nor one_off is asked for", "Leave one of them on");
  if (!options.layers && !options.kinds)
    add("--layers", "neither layers nor kinds are asked for", "Leave one of them on");
  return problems;
}

}  // namespace engine
