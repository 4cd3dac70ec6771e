// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama.h"
#include "engine/trial/transform_trial.h"

#include <functional>
#include <memory>
#include <vector>

namespace engine {

/// Stands around every layer of a model without changing what it computes: asks before each one
/// whether to go on, and measures what the simulated ones add in error, for which they compute
/// their inputs plainly too. Works for every paradigm; sums are kept on the device in fp64. A plain
/// layer that the model takes into a fused product is not asked for.
class LayerWatch {
 public:
  struct Sums;

  /// Puts itself into `model`, whose layers hold on to what they need. `ask` may be empty; what it
  /// throws ends the pass.
  LayerWatch(Llama& model, const std::function<void()>& ask, bool measures_errors);
  ~LayerWatch();

  /// Of all evaluating passes so far, in module order; one copy from the device. Empty unless
  /// asked for.
  std::vector<LayerError> errors() const;

 private:
  std::vector<std::shared_ptr<Sums>> sums_;
};

}  // namespace engine
