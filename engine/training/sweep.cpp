// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/sweep.h"

#include "engine/device/computing_errors.h"
#include "engine/error.h"
#include "engine/training/calibration.h"
#include "engine/training/evaluation_input.h"
#include "engine/training/staged_progress.h"
#include "engine/transform/paradigm_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace engine {
namespace {

/// One column of a cell: a transform whose draws differ in the run's seed or in the rules' own.
struct Column {
  std::function<TransformChoice(std::int64_t draw)> choice;
  std::function<std::uint64_t(std::int64_t draw)> run_seed;
};

class Sweep {
 public:
  Sweep(const SweepConfig& config, const ProgressFunction& on_progress)
      : config_(config), on_progress_(on_progress), loaded_(load_for_evaluation(config.eval)) {
    if (loaded_.choice.is_plain()) {
      fail("nothing-to-sweep", {.file = "--sweep"},
           "no transform is in effect, so there is nothing to sweep and no noise to draw",
           "Name a transform with --transform_config");
    }
    points_ = sweep_points(*loaded_.choice.config, config.axes, infos_);
    result_.notes = loaded_.notes;
    has_reference_ = config.reference &&
                     with_reference_semantics(points_.front().config, infos_, 0).has_value() &&
                     !sweeps("semantics");
  }

  SweepResult run() {
    const auto started = std::chrono::steady_clock::now();
    const bool calibrates = needs_calibration();
    text_ = evaluation_text(config_.eval, loaded_, calibrates, on_progress_);
    add_notes(text_.splits.messages);
    if (calibrates) add_notes({text_.calibration_note() + ", anew for each cell"});

    const auto cells = static_cast<std::int64_t>(points_.size());
    const std::int64_t columns = has_reference_ ? 2 : 1;
    const std::int64_t draws = config_.noise_seeds;
    StagedProgress progress(on_progress_,
                            text_.measured.blocks * (1 + cells * columns * draws) +
                                (calibrates ? text_.calibrated.blocks * cells * columns : 0));
    progress.begin_stage("plain");
    const Measurement plain = measure(*loaded_.model, text_.validation(), text_.measured,
                                      loaded_.options, progress.part());
    result_.plain_loss = plain.loss;
    result_.eval_tokens = plain.tokens;
    for (const SweepPoint& point : points_) {
      const std::string label = label_of(point.settings);
      progress.begin_stage(fmt::format("{} ({}/{})", label.empty() ? "transform" : label,
                                       result_.cells.size() + 1, points_.size()));
      result_.cells.push_back(measured_cell(point, progress));
    }
    result_.device = loaded_.device.id;
    result_.transform = loaded_.choice.label;
    result_.axes = config_.axes;
    result_.eval_runtime =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return std::move(result_);
  }

 private:
  bool sweeps(const std::string& parameter) const {
    return std::any_of(config_.axes.begin(), config_.axes.end(),
                       [&](const SweepAxis& axis) { return axis.parameter == parameter; });
  }

  void add_notes(const std::vector<std::string>& notes) {
    result_.notes.insert(result_.notes.end(), notes.begin(), notes.end());
  }

  TransformChoice choice_of(const TransformConfig& rules) const {
    return with_rules(loaded_.choice, rules, loaded_.source.config);
  }

  std::uint64_t seed() const { return static_cast<std::uint64_t>(config_.eval.seed); }

  /// The loaded weights under a transform, with the checkpoint's state where it still holds.
  std::unique_ptr<Llama> transformed(const TransformChoice& choice, std::uint64_t run_seed) const {
    auto model = plain_twin(*loaded_.model);
    transform_model(*model, choice, loaded_.source.directory, run_seed);
    return model;
  }

  /// All cells are measured on the same text, so one that needs calibration decides for all. Every
  /// combination is made once before anything is measured: what a paradigm refuses ends it here.
  bool needs_calibration() const {
    bool needs = false;
    for (const SweepPoint& point : points_) {
      needs |= has_unobserved_state(*transformed(choice_of(point.config), seed()));
      if (!has_reference_) continue;
      const auto rules = with_reference_semantics(point.config, infos_, 0);
      needs |= has_unobserved_state(*transformed(choice_of(*rules), seed()));
    }
    return needs && config_.eval.calibrate_batches > 0;
  }

  SweepCell measured_cell(const SweepPoint& point, StagedProgress& progress) const {
    SweepCell cell;
    cell.settings = point.settings;
    const TransformChoice choice = choice_of(point.config);
    cell.transform_digest = choice.digest;
    cell.losses = losses_of(
        {.choice = [&](std::int64_t) { return choice; },
         .run_seed =
             [this](std::int64_t draw) { return seed() + static_cast<std::uint64_t>(draw); }},
        cell.calibrated_batches, progress);
    if (!has_reference_) return cell;
    std::int64_t calibrated_batches = 0;
    cell.reference_losses =
        losses_of({.choice =
                       [&](std::int64_t draw) {
                         return choice_of(*with_reference_semantics(point.config, infos_, draw));
                       },
                   .run_seed = [this](std::int64_t) { return seed(); }},
                  calibrated_batches, progress);
    return cell;
  }

  std::vector<double> losses_of(const Column& column, std::int64_t& calibrated_batches,
                                StagedProgress& progress) const {
    const StateMap ranges = calibrated_ranges(column, calibrated_batches, progress);
    std::vector<double> losses;
    for (std::int64_t draw = 0; draw < config_.noise_seeds; ++draw) {
      const auto model = transformed(column.choice(draw), column.run_seed(draw));
      restore_state(*model, ranges);
      losses.push_back(
          measure(*model, text_.validation(), text_.measured, loaded_.options, progress.part())
              .loss);
    }
    return losses;
  }

  /// Ranges that the checkpoint has not, by "<layer>.<buffer>": observed without quantisers, so
  /// they are the same for every draw.
  StateMap calibrated_ranges(const Column& column, std::int64_t& batches,
                             StagedProgress& progress) const {
    if (config_.eval.calibrate_batches == 0) return {};
    const auto model = transformed(column.choice(0), column.run_seed(0));
    StateMap ranges = unobserved_state(*model);
    if (ranges.empty()) return ranges;
    calibrate_some(*model, text_.calibration(), text_.calibrated, loaded_.options, is_unobserved,
                   progress.part());
    batches = text_.calibration_batches();
    return ranges;
  }

  const SweepConfig& config_;
  const ProgressFunction& on_progress_;
  const std::vector<ParadigmInfo> infos_ = paradigm_infos();
  EvaluationModel loaded_;
  std::vector<SweepPoint> points_;
  bool has_reference_ = false;
  EvaluationText text_;
  SweepResult result_;
};

}  // namespace

SweepResult sweep(const SweepConfig& config, const ProgressFunction& on_progress) {
  return with_errors_as("evaluation-failed", [&] { return Sweep(config, on_progress).run(); });
}

}  // namespace engine
