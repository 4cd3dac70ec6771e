// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/evaluate.h"

#include "engine/device/computing_errors.h"
#include "engine/error.h"
#include "engine/training/calibration.h"
#include "engine/training/evaluation_input.h"
#include "engine/training/evaluator.h"

namespace engine {
namespace {

EvaluationProgress evaluation_progress(const ProgressFunction& on_progress,
                                       const std::string& stage) {
  if (!on_progress) return {};
  return [&on_progress, stage](std::int64_t done, std::int64_t total) {
    return on_progress(stage, static_cast<double>(done), static_cast<double>(total));
  };
}

EvalResult evaluated(const EvalConfig& config, const ProgressFunction& on_progress) {
  EvalResult result;
  const EvaluationModel loaded = load_for_evaluation(config);
  Llama& model = *loaded.model;
  result.notes = loaded.notes;
  transform_model(model, loaded.choice, loaded.source.directory,
                  static_cast<std::uint64_t>(config.seed));
  const bool wants_calibration = config.calibrate_batches > 0 && has_unobserved_state(model);
  const EvaluationText text = evaluation_text(config, loaded, wants_calibration, on_progress);
  result.notes.insert(result.notes.end(), text.splits.messages.begin(), text.splits.messages.end());

  if (wants_calibration) {
    calibrate_some(model, text.calibration(), text.calibrated, loaded.options, is_unobserved,
                   evaluation_progress(on_progress, "calibrating"));
    result.calibrated_batches = text.calibration_batches();
    result.notes.push_back(text.calibration_note());
  }
  const Measurement measured = measure(model, text.validation(), text.measured, loaded.options,
                                       evaluation_progress(on_progress, "evaluating"));
  result.eval_loss = measured.loss;
  result.perplexity = measured.perplexity();
  result.eval_accuracy = measured.accuracy;
  result.eval_tokens = measured.tokens;
  result.eval_runtime = measured.seconds;
  result.device = loaded.device.id;
  result.transform = loaded.choice.label;
  result.transform_digest = loaded.choice.digest;
  return result;
}

}  // namespace

EvalResult evaluate(const EvalConfig& config, const ProgressFunction& on_progress) {
  return with_errors_as("evaluation-failed", [&] { return evaluated(config, on_progress); });
}

}  // namespace engine
