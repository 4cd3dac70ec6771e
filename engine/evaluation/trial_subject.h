// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/evaluation/trial_pass.h"
#include "engine/training/calibration.h"
#include "engine/trial/transform_trial.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// Losses under one transform.
struct TrialLosses {
  std::vector<std::vector<double>> losses;  ///< [draw][batch]
  std::vector<LayerError> errors;           ///< of the first draw, when asked for
};

/// A plain model and the text it is tried on, loaded once. Every transform is put on a twin over
/// the same weights.
class TrialSubject {
 public:
  /// Loads; throws Error for everything that is missing or cannot be used.
  TrialSubject(const TrialConfig& config, const ProgressFunction& on_progress);

  /// The transform of a text, or without one that of the configuration. Throws Error when it is
  /// plain or has problems.
  TransformChoice choose(const std::optional<TransformText>& transform) const;

  const EvaluationModel& loaded() const { return loaded_; }
  const EvaluationText& text() const { return text_; }
  std::int64_t batches() const;
  std::int64_t calibrated_blocks() const { return text_.calibrated.blocks; }
  TrialFacts facts() const;
  /// Blocks that one draw takes, and calibrating: units of progress.
  std::int64_t measured_blocks() const { return text_.measured.blocks; }

  /// Whether ranges have to be found first for some layer of the choice.
  bool needs_ranges(const TransformChoice& choice) const;
  /// Ranges that the checkpoint has not, observed without quantisers: the same for every draw, and
  /// for every subset of the layers.
  StateMap ranges_for(const TransformChoice& choice, StagedProgress& progress) const;

  /// Blocks of the batches whose plain loss is not known yet.
  std::int64_t plain_blocks_left() const;
  /// Plain losses of the batches up to this one; those that are not known yet are measured.
  const std::vector<double>& plain_losses_to(std::int64_t batch, StagedProgress& progress);
  const std::vector<double>& known_plain_losses() const { return plain_losses_; }
  /// Of all batches.
  const std::vector<double>& plain_losses(StagedProgress& progress) {
    return plain_losses_to(batches() - 1, progress);
  }

  /// One draw of a transform's noise, with these ranges.
  TrialPass transformed_pass(const TransformChoice& choice, const StateMap& ranges,
                             std::int64_t draw, bool measures_errors,
                             StagedProgress& progress) const;
  /// The losses of all batches under every draw.
  TrialLosses measured(const TransformChoice& choice, const StateMap& ranges, std::int64_t draws,
                       bool measures_errors, StagedProgress& progress) const;

  /// [vocabulary] fp64 on the host: what follows `ids`.
  at::Tensor next_token_probabilities(Llama& model, const std::vector<std::int64_t>& ids) const;
  Llama& plain_model() const { return *loaded_.model; }

 private:
  std::unique_ptr<Llama> transformed(const TransformChoice& choice, std::int64_t draw) const;

  TrialConfig config_;
  EvaluationModel loaded_;
  EvaluationText text_;
  std::vector<double> plain_losses_;
};

}  // namespace engine
