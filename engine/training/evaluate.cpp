// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/evaluate.h"

#include "engine/checkpoint/checkpoint.h"
#include "engine/devices.h"
#include "engine/error.h"
#include "engine/model/rope_choice.h"
#include "engine/training/calibration.h"
#include "engine/training/evaluator.h"
#include "engine/training/model_setup.h"
#include "engine/transform/transform_choice.h"

#include <c10/util/Exception.h>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace engine {
namespace {

EvaluationProgress evaluation_progress(const ProgressFunction& on_progress,
                                       const std::string& stage) {
  if (!on_progress) return {};
  return [&on_progress, stage](std::int64_t done, std::int64_t total) {
    return on_progress(stage, static_cast<double>(done), static_cast<double>(total));
  };
}

/// The text to measure, and, when ranges must first be found, the other text to find them on.
struct EvaluationText {
  TokenizedSplits splits;
  const TokenDataset* calibration = nullptr;
  EvaluationRange calibrated;
  EvaluationRange measured;
  std::string calibrated_on;
};

EvaluationText text_for(const EvalConfig& config, const Tokenizer& tokenizer,
                        std::int64_t block_size, bool wants_calibration,
                        const ProgressFunction& on_progress) {
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
  text.splits = tokenize_splits(sources, tokenizer, block_size, uses_train, true,
                                default_token_cache(), data_progress(on_progress));
  const TokenDataset& validation = *text.splits.validation;
  text.measured = {.first_block = 0, .blocks = validation.blocks(), .batch_size = rows};
  if (uses_train) {
    text.calibration = &*text.splits.train;
    text.calibrated_on = "the training text";
    text.calibrated = {.blocks = std::min(wanted_blocks, text.calibration->blocks()),
                       .batch_size = rows};
  } else if (uses_head) {
    // Whole batches, and at least one block is left to be measured.
    const std::int64_t blocks = std::min(wanted_blocks, validation.blocks() - 1);
    if (blocks < 1) {
      fail("too-little-text", {.file = config.validation_file.value_or("--validation_file")},
           "the text has a single block, so there is none to calibrate the transform's ranges on",
           "Give a longer text, or --train_file with other text");
    }
    text.calibration = &validation;
    text.calibrated_on = "the head of the validation text, which is not measured";
    text.calibrated = {.blocks = blocks, .batch_size = rows};
    text.measured.first_block = blocks;
    text.measured.blocks -= blocks;
  }
  return text;
}

EvalResult evaluated(const EvalConfig& config, const ProgressFunction& on_progress) {
  EvalResult result;
  ModelSource source = find_model(config.model_name_or_path, std::nullopt, config.tokenizer_name);
  choose_rope(source.config, config.rope, (source.directory / "config.json").string(),
              result.notes);
  const Tokenizer tokenizer = Tokenizer::load(source.tokenizer_directory);
  const TransformChoice choice =
      choose_transform(config.transform_config, source.directory, source.config);
  result.notes.insert(result.notes.end(), choice.notes.begin(), choice.notes.end());
  const ChosenDevice device = choose_device(config.device, !choice.is_plain());
  if (!device.note.empty()) result.notes.push_back(device.note);
  const std::int64_t block_size =
      resolved_block_size(config.block_size, tokenizer, source.config.max_position_embeddings);

  const auto seed = static_cast<std::uint64_t>(config.seed);
  std::vector<std::string> warnings;
  const auto model =
      make_model(source, tokenizer.vocab_size(), seed, device.device, result.notes, warnings);
  for (const std::string& warning : warnings) result.notes.push_back("warning: " + warning);
  transform_model(*model, choice, source.directory, seed);
  const bool wants_calibration = config.calibrate_batches > 0 && has_unobserved_state(*model);
  const EvaluationText text =
      text_for(config, tokenizer, block_size, wants_calibration, on_progress);
  result.notes.insert(result.notes.end(), text.splits.messages.begin(), text.splits.messages.end());

  const EvaluationOptions options{.compute_dtype = config.bf16 ? at::kBFloat16 : at::kFloat,
                                  .step = step_of_simulation_state(source.directory)};
  if (wants_calibration) {
    calibrate_some(*model, *text.calibration, text.calibrated, options, is_unobserved,
                   evaluation_progress(on_progress, "calibrating"));
    const std::int64_t rows = text.calibrated.batch_size;
    result.calibrated_batches = (text.calibrated.blocks + rows - 1) / rows;
    result.notes.push_back(fmt::format(
        "The transform's ranges were calibrated on {} batches ({} blocks) of {}, then frozen",
        result.calibrated_batches, text.calibrated.blocks, text.calibrated_on));
  }
  const Measurement measured = measure(*model, *text.splits.validation, text.measured, options,
                                       evaluation_progress(on_progress, "evaluating"));
  result.eval_loss = measured.loss;
  result.perplexity = measured.perplexity();
  result.eval_accuracy = measured.accuracy;
  result.eval_tokens = measured.tokens;
  result.eval_runtime = measured.seconds;
  result.device = device.id;
  result.transform = choice.label;
  result.transform_digest = choice.digest;
  return result;
}

}  // namespace

EvalResult evaluate(const EvalConfig& config, const ProgressFunction& on_progress) {
  try {
    return evaluated(config, on_progress);
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    fail("evaluation-failed", {}, error.what_without_backtrace());
  } catch (const std::exception& error) {
    fail("evaluation-failed", {}, error.what());
  }
}

}  // namespace engine
