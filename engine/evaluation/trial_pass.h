// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/evaluation/layer_watch.h"
#include "engine/training/evaluation_input.h"
#include "engine/training/staged_progress.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace engine {

/// One model, plain or under one draw of its noise, measured batch by batch. Can be ended between
/// its layers: then throws Error("cancelled").
class TrialPass {
 public:
  /// Everything but the model must outlive it. `measures_errors`: also those of its layers.
  TrialPass(std::unique_ptr<Llama> model, const EvaluationModel& loaded, const EvaluationText& text,
            bool measures_errors, StagedProgress& progress);

  /// Mean cross-entropy of a batch, whose blocks are then done.
  double loss(std::int64_t batch);
  /// Observes ranges on the text for that.
  void calibrate();
  /// Over all batches so far, in module order; empty unless asked for.
  std::vector<LayerError> errors() const { return watch_.errors(); }
  Llama& model() { return *model_; }

 private:
  std::unique_ptr<Llama> model_;
  const EvaluationText& text_;
  StagedProgress& progress_;
  EvaluationOptions options_;
  LayerWatch watch_;
};

}  // namespace engine
