// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama_config.h"
#include "engine/transform/transform_plan.h"
#include "engine/trial/transform_trial.h"

#include <chrono>
#include <set>
#include <string>

namespace tests {

/// A trial without tensors: plans the text on the model's configuration; every transformed layer
/// costs 0.01 loss, lm_head and each layer 1 down_proj 0.1, with an interval of ±0.005. Every step
/// takes `step_time` and asks whether to go on; halfway through a try says what it has.
class FakeTrial final : public engine::TransformTrial {
 public:
  FakeTrial(const engine::TrialConfig& config, std::chrono::microseconds step_time);

  engine::TrialResult try_transform(const std::optional<engine::TransformText>& transform,
                                    const engine::TryOptions& options,
                                    const engine::TrialProgress& on_progress) override;
  /// Entries that were measured before are not waited for again.
  engine::ScanResult scan(const std::optional<engine::TransformText>& transform,
                          const engine::ScanOptions& options,
                          const engine::TrialProgress& on_progress) override;

 private:
  struct Planned;
  Planned planned(const std::optional<engine::TransformText>& transform) const;
  engine::TrialResult result_of(const Planned& planned, const engine::TransformText& transform,
                                const engine::TryOptions& options) const;
  void step(const engine::TrialProgress& on_progress, const std::string& stage, double done,
            double total) const;

  engine::TrialConfig config_;
  engine::LlamaConfig model_;
  std::chrono::microseconds step_time_;
  std::set<std::string> measured_;
};

}  // namespace tests
