// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/trial_subject.h"

#include "engine/checkpoint/transform_record.h"
#include "engine/error.h"
#include "engine/evaluation/layer_watch.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <utility>

namespace engine {
namespace {

constexpr std::int64_t kLongestBlock = 256;    // unless a length is asked for
constexpr std::int64_t kTokensOfABatch = 512;  // unless a size is asked for

EvaluationModel loaded_model(const EvalConfig& config) {
  EvaluationModel loaded = load_for_trial(config);
  if (!config.block_size) loaded.block_size = std::min(loaded.block_size, kLongestBlock);
  return loaded;
}

std::int64_t rows_of(const TrialConfig& config, std::int64_t block_size) {
  if (config.batch_size > 0) return config.batch_size;
  return std::clamp<std::int64_t>(kTokensOfABatch / block_size, 1, 64);
}

/// The text that evaluation_text() would take for `config.batches` batches; where it is short, a
/// third of it calibrates and smaller batches keep their number.
EvaluationText text_for(const TrialConfig& config, const EvaluationModel& loaded,
                        const ProgressFunction& on_progress) {
  const std::int64_t rows = rows_of(config, loaded.block_size);
  EvalConfig eval = config.eval;
  eval.per_device_eval_batch_size = rows;
  eval.max_eval_samples = config.batches * rows;
  EvaluationText text =
      evaluation_text(eval, loaded, /*wants_calibration=*/eval.calibrate_batches > 0, on_progress);
  const bool calibrates_on_head = !text.splits.train && text.calibrated.blocks > 0;
  const std::int64_t wanted = config.batches * rows;
  if (calibrates_on_head && text.measured.blocks < wanted) {
    const std::int64_t all = text.validation().blocks();
    text.calibrated.blocks =
        std::min(eval.calibrate_batches * rows, std::max<std::int64_t>(1, all / 3));
    text.measured.first_block = text.calibrated.blocks;
    text.measured.blocks = all - text.calibrated.blocks;
  }
  if (text.measured.blocks < wanted) {
    text.measured.batch_size =
        std::clamp<std::int64_t>(text.measured.blocks / config.batches, 1, rows);
  }
  // Batches are compared with each other, so they are of one size.
  text.measured.blocks -= text.measured.blocks % text.measured.batch_size;
  return text;
}

/// For a LayerWatch: throws Error when the work is cancelled.
std::function<void()> asking(const StagedProgress& progress) {
  return [&progress] { progress.check(); };
}

}  // namespace

TrialSubject::TrialSubject(const TrialConfig& config, const ProgressFunction& on_progress)
    : config_(config),
      loaded_(loaded_model(config.eval)),
      text_(text_for(config, loaded_, on_progress)) {}

TransformChoice TrialSubject::choose(const std::optional<TransformText>& transform) const {
  const std::string dtype = config_.eval.bf16 ? "bf16" : "fp32";
  const ModelSource& source = loaded_.source;
  TransformChoice choice =
      transform
          ? choose_edited_transform(transform->text, transform->file, source.directory,
                                    source.config, dtype)
          : choose_transform(config_.eval.transform_config, source.directory, source.config, dtype);
  if (choice.is_plain()) {
    fail("nothing-to-try", {.file = "--transform_config"},
         "no transform is in effect, so there is nothing to try",
         "Name a transform with --transform_config");
  }
  return choice;
}

std::int64_t TrialSubject::batches() const {
  return (text_.measured.blocks + text_.measured.batch_size - 1) / text_.measured.batch_size;
}

TrialFacts TrialSubject::facts() const {
  return {.device = loaded_.device.id,
          .batches = batches(),
          .batch_size = std::min(text_.measured.batch_size, text_.measured.blocks),
          .block_size = loaded_.block_size,
          .noise_draws = 0,
          .calibrated_blocks = 0,
          .calibrated_on = text_.calibrated_on,
          .seconds = 0};
}

std::unique_ptr<Llama> TrialSubject::transformed(const TransformChoice& choice,
                                                 std::int64_t draw) const {
  auto model = plain_twin(*loaded_.model);
  transform_model(*model, choice, loaded_.source.directory,
                  static_cast<std::uint64_t>(config_.eval.seed + draw));
  return model;
}

bool TrialSubject::needs_ranges(const TransformChoice& choice) const {
  return config_.eval.calibrate_batches > 0 && has_unobserved_state(*transformed(choice, 0));
}

StateMap TrialSubject::ranges_for(const TransformChoice& choice, StagedProgress& progress) const {
  const auto model = transformed(choice, 0);
  StateMap ranges = unobserved_state(*model);
  if (ranges.empty()) return ranges;
  const LayerWatch watch(*model, asking(progress), /*measures_errors=*/false);
  calibrate_some(*model, text_.calibration(), text_.calibrated, loaded_.options, is_unobserved,
                 progress.part());
  return ranges;
}

const std::vector<double>& TrialSubject::plain_losses(StagedProgress& progress) {
  if (plain_losses_.empty()) {
    const auto model = plain_twin(*loaded_.model);
    const LayerWatch watch(*model, asking(progress), /*measures_errors=*/false);
    plain_losses_ =
        batch_losses(*model, text_.validation(), text_.measured, loaded_.options, progress.part());
  }
  return plain_losses_;
}

TrialLosses TrialSubject::measured(const TransformChoice& choice, const StateMap& ranges,
                                   std::int64_t draws, bool measures_errors,
                                   StagedProgress& progress,
                                   const std::function<void(Llama&)>& use) const {
  TrialLosses result;
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    const auto model = transformed(choice, draw);
    restore_state(*model, ranges);
    const LayerWatch watch(*model, asking(progress), measures_errors && draw == 0);
    result.losses.push_back(
        batch_losses(*model, text_.validation(), text_.measured, loaded_.options, progress.part()));
    if (draw == 0) result.errors = watch.errors();
    if (use) use(*model);
  }
  return result;
}

at::Tensor TrialSubject::next_token_probabilities(Llama& model,
                                                  const std::vector<std::int64_t>& ids) const {
  const at::NoGradGuard no_grad;
  const ForwardContext context{.phase = Phase::evaluate,
                               .compute_dtype = loaded_.options.compute_dtype,
                               .step = loaded_.options.step};
  const at::Tensor batch = at::tensor(ids, at::kLong).unsqueeze(0).to(model.device());
  const at::Tensor logits = model.logits(batch, context);
  return at::softmax(logits.select(1, logits.size(1) - 1).squeeze(0).to(at::kDouble).cpu(), -1);
}

}  // namespace engine
