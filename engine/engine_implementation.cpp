// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/engine_implementation.h"

#include "engine/conformance/check_paradigm.h"
#include "engine/devices.h"
#include "engine/evaluation/transform_trial.h"
#include "engine/probe/probe.h"
#include "engine/training/bench.h"
#include "engine/training/estimate.h"
#include "engine/training/evaluate.h"
#include "engine/training/preflight.h"
#include "engine/training/sweep.h"
#include "engine/training/train.h"

namespace engine {
namespace {

class EngineImplementation final : public EngineApi {
 public:
  DeviceReport devices() const override { return device_report(); }

  TrainOutcome train(const RunConfig& config, RunControl& control,
                     const ProgressFunction& on_progress) const override {
    return engine::train(config, control, on_progress);
  }

  std::vector<Problem> preflight(const RunConfig& config) const override {
    return engine::preflight(config);
  }

  EvalResult evaluate(const EvalConfig& config,
                      const ProgressFunction& on_progress) const override {
    return engine::evaluate(config, on_progress);
  }

  std::vector<ConformanceResult> check_paradigm(
      const std::string& reference, const ProgressFunction& on_progress) const override {
    return engine::check_paradigm(reference, on_progress);
  }

  SweepResult sweep(const SweepConfig& config, const ProgressFunction& on_progress) const override {
    return engine::sweep(config, on_progress);
  }

  BenchResult bench(const BenchConfig& config, const ProgressFunction& on_progress) const override {
    return engine::bench(config, on_progress);
  }

  CostEstimate estimate(const RunConfig& config, const EstimateOptions& options,
                        const ProgressFunction& on_progress) const override {
    return engine::estimate(config, options, on_progress);
  }

  ProbeReport probe(const ProbeConfig& config, const ProgressFunction& on_progress) const override {
    return engine::probe(config, on_progress);
  }

  SelfCheckReport self_check(const SelfCheckConfig& config,
                             const ProgressFunction& on_progress) const override {
    return engine::self_check(config, on_progress);
  }

  std::unique_ptr<TransformTrial> open_trial(const TrialConfig& config,
                                             const ProgressFunction& on_progress) const override {
    return engine::open_trial(config, on_progress);
  }
};

}  // namespace

const EngineApi& engine_implementation() {
  static const EngineImplementation implementation;
  return implementation;
}

}  // namespace engine
