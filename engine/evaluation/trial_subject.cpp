// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/trial_subject.h"

#include "engine/checkpoint/transform_record.h"
#include "engine/error.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <utility>

namespace engine {
namespace {

constexpr std::int64_t kLongestBlock = 256;  // unless a length is asked for
constexpr std::int64_t kMostTokens = 512;    // of a batch, unless a size is asked for
constexpr std::int64_t kFewestTokens = 128;
/// Of a batch's products on the CPU: a few seconds.
constexpr std::int64_t kFlopsOfABatch = 300'000'000'000;

/// By the model alone, so that the same command measures the same everywhere.
std::int64_t tokens_of_a_batch(const EvaluationModel& loaded) {
  if (!loaded.device.device.is_cpu()) return kMostTokens;
  const auto parameters = static_cast<std::int64_t>(loaded.source.config.total_parameters());
  const auto affordable = static_cast<std::uint64_t>(kFlopsOfABatch / (2 * parameters + 1));
  return std::clamp(static_cast<std::int64_t>(std::bit_floor(affordable)), kFewestTokens,
                    kMostTokens);
}

EvaluationModel loaded_model(const EvalConfig& config, const ProgressFunction& on_progress) {
  EvaluationModel loaded = load_for_trial(config, on_progress);
  if (!config.block_size) {
    loaded.block_size = std::min({loaded.block_size, kLongestBlock, tokens_of_a_batch(loaded)});
  }
  return loaded;
}

std::int64_t rows_of(const TrialConfig& config, const EvaluationModel& loaded) {
  if (config.batch_size > 0) return config.batch_size;
  return std::clamp<std::int64_t>(tokens_of_a_batch(loaded) / loaded.block_size, 1, 64);
}

/// The text that evaluation_text() would take for `config.batches` batches; where it is short, a
/// third of it calibrates and smaller batches keep their number.
EvaluationText text_for(const TrialConfig& config, const EvaluationModel& loaded,
                        const ProgressFunction& on_progress) {
  const std::int64_t rows = rows_of(config, loaded);
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

}  // namespace

TrialSubject::TrialSubject(const TrialConfig& config, const ProgressFunction& on_progress)
    : config_(config),
      loaded_(loaded_model(config.eval, on_progress)),
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
  TrialPass pass(transformed(choice, 0), loaded_, text_, /*measures_errors=*/false, progress);
  StateMap ranges = unobserved_state(pass.model());
  if (!ranges.empty()) pass.calibrate();
  return ranges;
}

std::int64_t TrialSubject::plain_blocks_left() const {
  const auto known = static_cast<std::int64_t>(plain_losses_.size()) * text_.measured.batch_size;
  return std::max<std::int64_t>(0, text_.measured.blocks - known);
}

const std::vector<double>& TrialSubject::plain_losses_to(std::int64_t batch,
                                                         StagedProgress& progress) {
  auto next = static_cast<std::int64_t>(plain_losses_.size());
  if (next > batch) return plain_losses_;
  TrialPass pass(plain_twin(*loaded_.model), loaded_, text_, /*measures_errors=*/false, progress);
  for (; next <= batch; ++next) plain_losses_.push_back(pass.loss(next));
  return plain_losses_;
}

TrialPass TrialSubject::transformed_pass(const TransformChoice& choice, const StateMap& ranges,
                                         std::int64_t draw, bool measures_errors,
                                         StagedProgress& progress) const {
  auto model = transformed(choice, draw);
  restore_state(*model, ranges);
  return {std::move(model), loaded_, text_, measures_errors, progress};
}

TrialLosses TrialSubject::measured(const TransformChoice& choice, const StateMap& ranges,
                                   std::int64_t draws, bool measures_errors,
                                   StagedProgress& progress) const {
  TrialLosses result;
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    TrialPass pass = transformed_pass(choice, ranges, draw, measures_errors && draw == 0, progress);
    std::vector<double>& losses = result.losses.emplace_back();
    for (std::int64_t batch = 0; batch < batches(); ++batch) losses.push_back(pass.loss(batch));
    if (draw == 0) result.errors = pass.errors();
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
