// SPDX-License-Identifier: GPL-3.0-or-later
// What an evaluation works on, found and loaded once: the model, still plain, and the text.
#pragma once

#include "engine/api.h"
#include "engine/devices.h"
#include "engine/training/evaluator.h"
#include "engine/training/model_setup.h"

#include <memory>
#include <string>
#include <vector>

namespace engine {

struct EvaluationModel {
  ModelSource source;
  Tokenizer tokenizer;
  TransformChoice choice;  ///< not yet applied
  ChosenDevice device;
  std::int64_t block_size = 0;
  std::unique_ptr<Llama> model;  ///< plain
  EvaluationOptions options;
  std::vector<std::string> notes;  ///< what a user must know
};

/// Throws Error for everything that is missing or cannot be used.
EvaluationModel load_for_evaluation(const EvalConfig& config);
/// The same without choosing a transform, on a device that can simulate one. Loading can be
/// cancelled between tensors: throws Error("cancelled").
EvaluationModel load_for_trial(const EvalConfig& config, const ProgressFunction& on_progress);

/// The text to measure, and, when ranges must first be found, the other text to find them on.
struct EvaluationText {
  TokenizedSplits splits;  ///< train only when it is calibrated on
  EvaluationRange calibrated;
  EvaluationRange measured;
  std::string calibrated_on;

  const TokenDataset& validation() const { return *splits.validation; }
  const TokenDataset& calibration() const {
    return splits.train ? *splits.train : *splits.validation;
  }
  std::int64_t calibration_batches() const;
  /// One sentence for the notes.
  std::string calibration_note() const;
};

EvaluationText evaluation_text(const EvalConfig& config, const EvaluationModel& loaded,
                               bool wants_calibration, const ProgressFunction& on_progress);

}  // namespace engine
