// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/try_transform.h"

#include "engine/statistics/paired_difference.h"

#include <ATen/TensorOperators.h>

#include <fmt/format.h>

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

/// A try under way: what is measured of it so far, and what that says.
class Try {
 public:
  Try(TrialSubject& subject, const TransformChoice& choice, const TryOptions& options,
      const ProgressFunction& on_progress)
      : subject_(subject),
        choice_(choice),
        options_(options),
        calibrates_(subject.needs_ranges(choice)),
        progress_(on_progress, subject.plain_blocks_left() +
                                   (calibrates_ ? subject.calibrated_blocks() : 0) +
                                   options.noise_draws * subject.measured_blocks()) {}

  /// Plain and transformed batch by batch, so that a first estimate is there after two of them.
  TrialResult run() {
    StateMap ranges;
    if (calibrates_) {
      progress_.begin_stage("calibrating");
      ranges = subject_.ranges_for(choice_, progress_);
    }
    progress_.begin_stage("measuring");
    for (std::int64_t draw = 0; draw < options_.noise_draws; ++draw) {
      TrialPass pass = subject_.transformed_pass(choice_, ranges, draw,
                                                 /*measures_errors=*/draw == 0, progress_);
      losses_.emplace_back();
      for (std::int64_t batch = 0; batch < subject_.batches(); ++batch) {
        subject_.plain_losses_to(batch, progress_);
        losses_.back().push_back(pass.loss(batch));
        if (draw == 0 && batch > 0 && batch + 1 < subject_.batches()) tell(pass);
      }
      if (draw == 0) errors_ = pass.errors();  // before the prompt passes through as well
      add_next_tokens(pass.model());
      if (draw + 1 < options_.noise_draws) tell(pass);
    }
    return result();
  }

 private:
  void tell(const TrialPass& pass) {
    if (!options_.on_result) return;
    if (next_draws_ == 0) errors_ = pass.errors();
    options_.on_result(result());
  }

  void add_next_tokens(Llama& model) {
    if (options_.top_tokens <= 0) return;
    if (!plain_next_.defined()) {
      prompt_ = prompt_of(subject_, options_.prompt);
      if (prompt_.ids.empty()) return;
      plain_next_ = subject_.next_token_probabilities(subject_.plain_model(), prompt_.ids);
    }
    const at::Tensor one = subject_.next_token_probabilities(model, prompt_.ids);
    next_ = next_.defined() ? next_ + one : one;
    ++next_draws_;
  }

  /// Of all draws that are there, which have the same number of batches.
  TrialResult result() const {
    const auto draws = losses_.size();
    const std::size_t batches = losses_.back().size();
    std::vector<double> plain = subject_.known_plain_losses();
    plain.resize(batches);  // an earlier try may have measured all of them
    std::vector<std::vector<double>> differences = losses_;
    double sum = 0;
    for (auto& draw : differences) {
      sum += mean_of(draw);
      for (std::size_t batch = 0; batch < batches; ++batch) draw[batch] -= plain[batch];
    }
    TrialResult result;
    result.is_complete = static_cast<std::int64_t>(draws) == options_.noise_draws &&
                         static_cast<std::int64_t>(batches) == subject_.batches();
    result.plain_loss = mean_of(plain);
    result.transformed_loss = sum / static_cast<double>(draws);
    result.difference = paired_difference(differences);
    result.layers = errors_;
    result.transformed_layers = static_cast<std::int64_t>(choice_.plan.replacements().size());
    result.transform = choice_.label;
    result.transform_digest = choice_.digest;
    result.prompt = prompt_.text;
    if (next_.defined()) {
      result.tokens = shifts(plain_next_, next_ / double(next_draws_), options_.top_tokens,
                             subject_.loaded().tokenizer);
    }
    result.notes = subject_.loaded().notes;
    result.notes.insert(result.notes.end(), choice_.notes.begin(), choice_.notes.end());
    const double guessing =
        std::log(static_cast<double>(subject_.loaded().source.config.vocab_size));
    if (result.plain_loss >= guessing) {
      result.notes.push_back(fmt::format(
          "the plain model's loss of {:.2f} is no better than guessing ({:.2f}): it has not learnt "
          "such text, and what a transform does to it says little",
          result.plain_loss, guessing));
    }
    result.facts = subject_.facts();
    result.facts.batches = static_cast<std::int64_t>(batches);
    result.facts.noise_draws = static_cast<std::int64_t>(draws);
    if (calibrates_) result.facts.calibrated_blocks = subject_.calibrated_blocks();
    result.facts.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    return result;
  }

  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  TrialSubject& subject_;
  const TransformChoice& choice_;
  const TryOptions& options_;
  const bool calibrates_;
  StagedProgress progress_;
  std::vector<std::vector<double>> losses_;  ///< [draw][batch], so far
  std::vector<LayerError> errors_;
  Prompt prompt_;
  at::Tensor plain_next_;
  at::Tensor next_;  ///< sum over draws
  int next_draws_ = 0;
};

}  // namespace

TrialResult try_transform(TrialSubject& subject, const std::optional<TransformText>& transform,
                          const TryOptions& options, const ProgressFunction& on_progress) {
  const TransformChoice choice = subject.choose(transform);
  return Try(subject, choice, options, on_progress).run();
}

}  // namespace engine
