// SPDX-License-Identifier: GPL-3.0-or-later
// An engine without tensors: it writes a true run folder with RunWriter, so that windows, panels
// and commands are tested with no LibTorch in the process.
#pragma once

#include "engine/api.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tests {

/// What a fake run does. The settings of the run itself (max_steps, logging_steps, save_steps,
/// eval_steps, the folder, resume) come from the RunConfig, as with the true engine.
struct FakeRun {
  std::int64_t steps = 20;  ///< when config.max_steps is not positive
  std::chrono::microseconds step_time{0};
  std::int64_t layers = 4;               ///< events layer_transformed
  std::optional<std::int64_t> nan_at;    ///< the loss of this step is NaN
  std::optional<std::int64_t> spike_at;  ///< the loss of this step is 100
  std::optional<std::int64_t> fail_at;   ///< throws inside this step: run_failed
  std::optional<std::int64_t>
      hang_at;  ///< inside this step: says so in a message and never returns
  std::optional<std::int64_t>
      abandon_at;          ///< ends after this step without a word, as a killed process does
  bool torn_line = false;  ///< an abandoned run leaves half a line
  std::vector<engine::Problem> problems;       ///< found before the first step: train() throws them
  std::vector<engine::Problem> preflight;      ///< what preflight() finds
  double estimated_seconds = -1;               ///< in all; negative = 15 ms a step
  std::chrono::milliseconds estimate_time{0};  ///< that an estimate takes
};

class FakeEngine final : public engine::EngineApi {
 public:
  explicit FakeEngine(FakeRun run = {}) : run_(std::move(run)) {}

  engine::DeviceReport devices() const override;
  engine::TrainOutcome train(const engine::RunConfig& config, engine::RunControl& control,
                             const engine::ProgressFunction& on_progress = {}) const override;
  std::vector<engine::Problem> preflight(const engine::RunConfig& config) const override;
  engine::EvalResult evaluate(const engine::EvalConfig& config,
                              const engine::ProgressFunction& on_progress = {}) const override;
  std::vector<engine::ConformanceResult> check_paradigm(
      const std::string& reference,
      const engine::ProgressFunction& on_progress = {}) const override;
  /// Losses that fall with the cell's number, each draw a little apart.
  engine::SweepResult sweep(const engine::SweepConfig& config,
                            const engine::ProgressFunction& on_progress = {}) const override;
  /// Every transform takes one and a half times the plain step.
  engine::BenchResult bench(const engine::BenchConfig& config,
                            const engine::ProgressFunction& on_progress = {}) const override;
  /// 15 ms a step, 1.5 times the plain one; 13 MB a sequence, of 1 GB or the limit.
  engine::CostEstimate estimate(const engine::RunConfig& config,
                                const engine::EstimateOptions& options,
                                const engine::ProgressFunction& on_progress = {}) const override;
  engine::ProbeReport probe(const engine::ProbeConfig& config,
                            const engine::ProgressFunction& on_progress = {}) const override;
  engine::SelfCheckReport self_check(
      const engine::SelfCheckConfig& config,
      const engine::ProgressFunction& on_progress = {}) const override;
  /// A trial that counts, see FakeTrial.
  std::unique_ptr<engine::TransformTrial> open_trial(
      const engine::TrialConfig& config,
      const engine::ProgressFunction& on_progress = {}) const override;

 private:
  FakeRun run_;
};

/// The loss that every fake run logs at `step`: a falling curve with a little deterministic noise.
double fake_loss(std::int64_t step);

}  // namespace tests
