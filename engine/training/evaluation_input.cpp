// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/evaluation_input.h"

#include "engine/checkpoint/checkpoint.h"
#include "engine/error.h"
#include "engine/model/rope_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace engine {

namespace {

LoadProgress load_progress(const ProgressFunction& on_progress) {
  if (!on_progress) return {};
  return [&on_progress](std::int64_t done, std::int64_t total) {
    if (!on_progress("loading the model", static_cast<double>(done), static_cast<double>(total)))
      fail("cancelled", {}, "cancelled");
  };
}

EvaluationModel loaded(const EvalConfig& config, bool chooses_transform,
                       const ProgressFunction& on_progress) {
  ModelSource source = find_model(config.model_name_or_path, std::nullopt, config.tokenizer_name);
  std::vector<std::string> notes;
  choose_rope(source.config, config.rope, (source.directory / "config.json").string(), notes);
  Tokenizer tokenizer = Tokenizer::load(source.tokenizer_directory);
  TransformChoice choice;
  if (chooses_transform) {
    choice = choose_transform(config.transform_config, source.directory, source.config,
                              config.bf16 ? "bf16" : "fp32");
    notes.insert(notes.end(), choice.notes.begin(), choice.notes.end());
  }
  ChosenDevice device = choose_device(config.device, !chooses_transform || !choice.is_plain());
  if (!device.note.empty()) notes.push_back(device.note);
  std::vector<std::string> warnings;
  const std::int64_t block_size = resolved_block_size(
      config.block_size, tokenizer, source.config.max_position_embeddings, warnings);
  auto model = make_model(source, tokenizer.vocab_size(), static_cast<std::uint64_t>(config.seed),
                          device.device, notes, warnings, load_progress(on_progress));
  for (const std::string& warning : warnings) notes.push_back("warning: " + warning);
  const EvaluationOptions options{.compute_dtype = config.bf16 ? at::kBFloat16 : at::kFloat,
                                  .step = step_of_simulation_state(source.directory)};
  return {.source = std::move(source),
          .tokenizer = std::move(tokenizer),
          .choice = std::move(choice),
          .device = std::move(device),
          .block_size = block_size,
          .model = std::move(model),
          .options = options,
          .notes = std::move(notes)};
}

}  // namespace

EvaluationModel load_for_evaluation(const EvalConfig& config) { return loaded(config, true, {}); }

EvaluationModel load_for_trial(const EvalConfig& config, const ProgressFunction& on_progress) {
  return loaded(config, false, on_progress);
}

EvaluationText evaluation_text(const EvalConfig& config, const EvaluationModel& loaded,
                               bool wants_calibration, const ProgressFunction& on_progress) {
  TextSources sources = text_sources_of(config);
  const std::int64_t rows = config.per_device_eval_batch_size;
  const std::int64_t wanted_blocks = config.calibrate_batches * rows;
  const bool has_train_text = !sources.train_files.empty();
  const bool uses_train = wants_calibration && has_train_text;
  const bool uses_head = wants_calibration && !has_train_text;
  if (uses_train) sources.max_train_samples = wanted_blocks;
  if (uses_head && sources.max_eval_samples) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    *sources.max_eval_samples = std::min(*sources.max_eval_samples, kMost - wanted_blocks);
    *sources.max_eval_samples += wanted_blocks;
  }

  EvaluationText text;
  text.splits = tokenize_splits(sources, loaded.tokenizer, loaded.block_size, uses_train, true,
                                default_token_cache(), data_progress(on_progress));
  const TokenDataset& validation = *text.splits.validation;
  text.measured = {.first_block = 0, .blocks = validation.blocks(), .batch_size = rows};
  if (uses_train) {
    text.calibrated_on = "the training text";
    text.calibrated = {.blocks = std::min(wanted_blocks, text.calibration().blocks()),
                       .batch_size = rows};
  } else if (uses_head) {
    // Whole batches, and at least one block is left to be measured.
    const std::int64_t blocks = std::min(wanted_blocks, validation.blocks() - 1);
    if (blocks < 1) {
      fail("too-little-text", {.file = config.validation_file.value_or("--validation_file")},
           "the text has a single block, so there is none to calibrate the transform's ranges on",
           "Give a longer text, or --train_file with other text");
    }
    text.calibrated_on = "the head of the validation text, which is not measured";
    text.calibrated = {.blocks = blocks, .batch_size = rows};
    text.measured.first_block = blocks;
    text.measured.blocks -= blocks;
  }
  return text;
}

std::int64_t EvaluationText::calibration_batches() const {
  return (calibrated.blocks + calibrated.batch_size - 1) / calibrated.batch_size;
}

std::string EvaluationText::calibration_note() const {
  return fmt::format(
      "The transform's ranges were calibrated on {} batches ({} blocks) of {}, then frozen",
      calibration_batches(), calibrated.blocks, calibrated_on);
}

}  // namespace engine
