// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/try_transform.h"

#include "engine/statistics/paired_difference.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace engine {
namespace {

constexpr std::int64_t kPromptTokens = 24;  // of the measured text, where none is given

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

struct Prompt {
  std::vector<std::int64_t> ids;
  std::string text;
};

Prompt prompt_of(const TrialSubject& subject, const std::string& given) {
  const Tokenizer& tokenizer = subject.loaded().tokenizer;
  std::vector<std::int32_t> ids;
  if (given.empty()) {
    const TokenDataset& data = subject.text().validation();
    std::vector<std::int64_t> block(static_cast<std::size_t>(data.block_size()));
    data.copy_block(subject.text().measured.first_block, block.data());
    block.resize(std::min<std::size_t>(block.size(), kPromptTokens));
    ids.assign(block.begin(), block.end());
  } else {
    ids = tokenizer.encode(given);
    const auto most = static_cast<std::size_t>(subject.loaded().block_size);
    if (ids.size() > most) ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(most));
  }
  return {{ids.begin(), ids.end()}, given.empty() ? tokenizer.decode(ids, true) : given};
}

/// Positions from 1, the likeliest first; of equal ones the smaller id.
std::vector<std::int64_t> ranking(const double* probabilities, std::int64_t count) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  const auto known = [&](std::int64_t id) {
    return std::isnan(probabilities[id]) ? -1.0 : probabilities[id];
  };
  std::stable_sort(ids.begin(), ids.end(),
                   [&](std::int64_t a, std::int64_t b) { return known(a) > known(b); });
  return ids;
}

std::vector<TokenShift> shifts(const at::Tensor& plain, const at::Tensor& transformed,
                               std::int64_t top, const Tokenizer& tokenizer) {
  const std::int64_t count = plain.numel();
  const double* before = plain.const_data_ptr<double>();
  const double* after = transformed.const_data_ptr<double>();
  const auto by_plain = ranking(before, count);
  const auto by_transformed = ranking(after, count);
  std::vector<std::int64_t> rank_after(by_transformed.size());
  for (std::size_t rank = 0; rank < by_transformed.size(); ++rank)
    rank_after[static_cast<std::size_t>(by_transformed[rank])] =
        static_cast<std::int64_t>(rank) + 1;
  std::vector<TokenShift> result;
  for (std::size_t rank = 0; rank < by_plain.size(); ++rank) {
    const std::int64_t id = by_plain[rank];
    const std::int64_t after_rank = rank_after[static_cast<std::size_t>(id)];
    const auto plain_rank = static_cast<std::int64_t>(rank) + 1;
    if (plain_rank > top && after_rank > top) continue;
    const auto token = static_cast<std::int32_t>(id);
    result.push_back({.id = id,
                      .text = tokenizer.decode({&token, 1}),
                      .plain = before[id],
                      .transformed = after[id],
                      .plain_rank = plain_rank,
                      .transformed_rank = after_rank});
  }
  return result;
}

}  // namespace

TrialResult try_transform(TrialSubject& subject, const std::optional<TransformText>& transform,
                          const TryOptions& options, const ProgressFunction& on_progress) {
  const auto started = std::chrono::steady_clock::now();
  const TransformChoice choice = subject.choose(transform);
  const bool calibrates = subject.needs_ranges(choice);
  const std::int64_t draws = options.noise_draws;
  StagedProgress progress(on_progress,
                          (subject.has_plain_losses() ? 0 : subject.measured_blocks()) +
                              (calibrates ? subject.calibrated_blocks() : 0) +
                              draws * subject.measured_blocks());

  progress.begin_stage("plain model");
  const std::vector<double>& plain = subject.plain_losses(progress);
  const Prompt prompt = prompt_of(subject, options.prompt);
  at::Tensor plain_next;
  if (!prompt.ids.empty() && options.top_tokens > 0) {
    plain_next = subject.next_token_probabilities(subject.plain_model(), prompt.ids);
  }
  StateMap ranges;
  if (calibrates) {
    progress.begin_stage("calibrating");
    ranges = subject.ranges_for(choice, progress);
  }
  progress.begin_stage("transformed model");
  at::Tensor next;
  const TrialLosses measured = subject.measured(
      choice, ranges, draws, /*measures_errors=*/true, progress, [&](Llama& model) {
        if (!plain_next.defined()) return;
        const at::Tensor one = subject.next_token_probabilities(model, prompt.ids) / double(draws);
        next = next.defined() ? next + one : one;
      });

  TrialResult result;
  std::vector<std::vector<double>> differences = measured.losses;
  double sum = 0;
  for (auto& draw : differences) {
    sum += mean_of(draw);
    for (std::size_t batch = 0; batch < draw.size(); ++batch) draw[batch] -= plain[batch];
  }
  result.plain_loss = mean_of(plain);
  result.transformed_loss = sum / static_cast<double>(draws);
  result.difference = paired_difference(differences);
  result.layers = measured.errors;
  result.transformed_layers = static_cast<std::int64_t>(choice.plan.replacements().size());
  result.transform = choice.label;
  result.transform_digest = choice.digest;
  result.prompt = prompt.text;
  if (plain_next.defined()) {
    result.tokens = shifts(plain_next, next, options.top_tokens, subject.loaded().tokenizer);
  }
  result.notes = subject.loaded().notes;
  result.notes.insert(result.notes.end(), choice.notes.begin(), choice.notes.end());
  result.facts = subject.facts();
  result.facts.noise_draws = draws;
  if (calibrates) result.facts.calibrated_blocks = subject.calibrated_blocks();
  result.facts.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return result;
}

}  // namespace engine
