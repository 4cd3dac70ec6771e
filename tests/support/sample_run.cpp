// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/sample_run.h"

#include "engine/config/run_config.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_writer.h"
#include "tests/support/tiny_llama.h"

#include <cmath>
#include <fstream>
#include <random>

namespace tests {
namespace {

using namespace engine;

constexpr std::int64_t kTokensPerStep = 256;

RunConfig config_of(const std::filesystem::path& folder, const SampleRun& run) {
  RunConfig config;
  config.model_name_or_path = "some/model";
  config.train_file = "train.txt";
  config.output_dir = folder.string();
  config.do_train = true;
  config.seed = run.seed;
  config.max_steps = run.steps;
  config.learning_rate = run.learning_rate;
  config.logging_steps = run.logging_steps;
  if (run.eval_steps > 0) config.eval_steps = run.eval_steps;
  config.transform_config = run.transform.empty() ? "none" : run.transform_name + ".yaml";
  return config;
}

}  // namespace

std::function<double(std::int64_t)> sample_loss(std::int64_t seed, double shift,
                                                double seed_spread) {
  std::mt19937_64 generator(static_cast<std::uint64_t>(seed) * 7919 + 13);
  const double own = std::normal_distribution<double>(0, seed_spread)(generator);
  return [seed, shift, own](std::int64_t step) {
    std::mt19937_64 at_step(static_cast<std::uint64_t>(seed * 1'000'003 + step));
    const double noise = std::normal_distribution<double>(0, 0.01)(at_step);
    return 2 + std::exp(-static_cast<double>(step) / 40) + shift + own + noise;
  };
}

void write_sample_run(const std::filesystem::path& folder, const SampleRun& run) {
  std::filesystem::create_directories(folder);
  const RunFolder files{folder};
  replace_file(folder / "config.json", tiny_llama_config(), ReplaceMode::atomic);
  replace_file(files.run_yaml(), run_yaml(config_of(folder, run)), ReplaceMode::atomic);
  if (!run.transform.empty())
    replace_file(files.transform_yaml(), run.transform, ReplaceMode::atomic);
  std::string lines;
  double time = 1'700'000'000;
  const auto write = [&](RunEventBody body) {
    lines += to_json(RunEvent{time, std::move(body)}) + "\n";
  };
  RunStarted started;
  started.run_id = folder.filename().string();
  started.max_steps = run.steps;
  started.device = "cpu";
  started.engine_version = "sample";
  started.tokens_per_step = kTokensPerStep;
  started.transform_digest = run.transform.empty() ? "" : "sample";
  write(started);
  for (std::int64_t step = 1; step <= run.steps; ++step) {
    time += 0.5;
    const double loss = run.loss ? run.loss(step) : sample_loss(run.seed, 0)(step);
    if (step % run.logging_steps == 0 || step == run.steps) {
      StepLogged logged;
      logged.step = step;
      logged.loss = loss;
      logged.grad_norm = 1;
      logged.learning_rate = run.learning_rate;
      logged.tokens = step * kTokensPerStep;
      logged.tokens_per_second = 512;
      write(logged);
    }
    if (run.eval_steps > 0 && step % run.eval_steps == 0) {
      Evaluated evaluated;
      evaluated.step = step;
      evaluated.eval_loss = loss + 0.1;
      evaluated.perplexity = std::exp(loss + 0.1);
      evaluated.eval_tokens = 1000;
      write(evaluated);
    }
  }
  if (run.ends) write(RunFinished{run.steps, "finished", 0.5 * static_cast<double>(run.steps)});
  replace_file(files.events(), lines, ReplaceMode::atomic);
}

void append_sample_step(const std::filesystem::path& folder, std::int64_t step,
                        const std::function<double(std::int64_t)>& loss) {
  StepLogged logged;
  logged.step = step;
  logged.loss = loss(step);
  logged.grad_norm = 1;
  logged.tokens = step * kTokensPerStep;
  logged.tokens_per_second = 512;
  std::ofstream(RunFolder{folder}.events(), std::ios::app)
      << to_json(RunEvent{1'700'000'000 + 0.5 * static_cast<double>(step), logged}) + "\n";
}

}  // namespace tests
