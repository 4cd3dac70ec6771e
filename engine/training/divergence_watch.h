// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"
#include "engine/data/batch_loader.h"
#include "engine/model/llama.h"
#include "engine/runs/divergence_sentinel.h"
#include "engine/training/optimizer.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace engine {

/// The sentinel of a live training: judges what is logged, and when that is not finite, looks for
/// the layer in the steps since the last log. Reads the device only then, and once for each log.
class DivergenceWatch {
 public:
  DivergenceWatch(const RunConfig& config, Llama& model, const AdamW& optimizer,
                  std::int64_t steps_done);

  /// What an earlier part of the run logged.
  void learn(const std::vector<StepLogged>& earlier);
  /// Before the next step takes place: keeps the ids, up to a bound.
  void remember(std::int64_t step, const std::vector<at::Tensor>& micro_batches);

  /// `action` of what is returned is what the run is to do about it.
  std::vector<DivergenceSeen> hear(const StepLogged& step);
  std::vector<DivergenceSeen> hear(const LayerStats& stats);
  /// Whether every weight is finite, so that a checkpoint is worth having.
  bool weights_are_finite() const;

 private:
  struct Step {
    std::int64_t step = 0;
    std::vector<at::Tensor> micro_batches;
  };

  bool is_off() const { return config_.sentinel == "off"; }
  void name_layer(DivergenceSeen& seen);

  const RunConfig& config_;
  Llama& model_;
  DivergenceSentinel sentinel_;
  at::Tensor updates_;  // applied, on the device
  std::int64_t left_out_ = 0;
  std::deque<Step> recent_;
  std::size_t recent_bytes_ = 0;
};

}  // namespace engine
