// SPDX-License-Identifier: GPL-3.0-or-later
// The statistical tests of `paradigm probe --self-check`: errors of real layers on inputs that are
// spread over many levels, in units of one level.
#include "engine/paradigms/optical_transformer/optical_probe.h"
#include "engine/paradigms/optical_transformer/optical_read_out_errors.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace engine::optical_transformer {
namespace {

const char* const kLayer = "model.layers.0.mlp.up_proj";
const char* const kOtherLayer = "model.layers.1.mlp.up_proj";

std::vector<NoiseCheck> operand_checks(const OpticalProbe& probe, const ParamValues& values,
                                       const SelfCheckCall& call) {
  const double level = 2.0 / static_cast<double>(values.get_int("q_levels") - 1);
  NoiseSums errors;
  double largest = 0;
  for (std::uint64_t piece = 0; errors.count() < call.samples; ++piece) {
    const at::Tensor x = spread_inputs(kLinearRows, kLinearOutputs, call.run_seed, piece);
    EncodeCall encode{.role = "x", .layer = kLayer, .range = RealPair(-1, 1)};
    const at::Tensor y = probe.encode(x.to(call.device), values, encode).to(at::kCPU);
    const at::Tensor error = y.to(at::kDouble).sub(x).div(level).to(at::kFloat);
    errors.add(error.const_data_ptr<float>(), error.numel());
    largest = std::max(largest, error.abs().max().item<double>());
  }
  // Half a level, and the rounding of fp32 at the ends of the range.
  const double most = 0.5 + 4e-7 / level;
  return {check_mean("operand error: mean", errors, kUniformNoise),
          check_variance("operand error: variance", errors, kUniformNoise),
          {.name = "operand error: largest",
           .value = largest,
           .expected = 0.5,
           .lower = 0.49,
           .upper = most,
           .samples = errors.count(),
           .pass = largest >= 0.49 && largest <= most}};
}

/// Errors of one read-out, and what tells them from independent noise of the right size.
class ReadOutSums {
 public:
  explicit ReadOutSums(std::string name) : name_(std::move(name)) {}

  /// Of the same elements in the order layers, steps, micro-steps, phases.
  static constexpr std::size_t kOthers = 4;

  void add(const std::vector<float>& own, const std::vector<float>& again,
           const std::array<const std::vector<float>*, kOthers>& others) {
    const auto count = static_cast<std::int64_t>(own.size());
    errors_.add(own.data(), count);
    next_.add(own.data(), own.data() + 1, count - 1);
    next_row_.add(own.data(), own.data() + kOutputs, count - kOutputs);
    for (std::size_t i = 0; i < kOthers; ++i) against_[i].add(own.data(), others[i]->data(), count);
    for (std::size_t i = 0; i < own.size(); ++i) repeated_ += own[i] != again[i] ? 1 : 0;
  }
  std::int64_t count() const { return errors_.count(); }

  std::vector<NoiseCheck> checks(const NoiseMoments& moments, bool is_noisy) const {
    std::vector<NoiseCheck> checks = {check_mean(name_ + " error: mean", errors_, moments),
                                      check_variance(name_ + " error: variance", errors_, moments),
                                      {.name = name_ + ", same layer and step: outputs that differ",
                                       .value = repeated_,
                                       .samples = errors_.count(),
                                       .pass = repeated_ == 0}};
    if (!is_noisy) return checks;
    checks.push_back(check_uncorrelated(name_ + " error: lag 1", next_));
    checks.push_back(check_uncorrelated(name_ + " error: lag 64", next_row_));
    const char* const others[kOthers] = {"two layers", "two steps", "two micro-steps",
                                         "training, evaluation"};
    for (std::size_t i = 0; i < kOthers; ++i) {
      checks.push_back(check_uncorrelated(name_ + " error: " + others[i], against_[i]));
    }
    return checks;
  }

 private:
  static constexpr std::int64_t kOutputs = kLinearOutputs;

  std::string name_;
  NoiseSums errors_;
  CorrelationSums next_, next_row_;
  std::array<CorrelationSums, kOthers> against_;
  double repeated_ = 0;
};

/// draw(layer, phase, step, micro-step) for what ReadOutSums compares: own, again, others.
template <typename Draw>
auto compared_passes(const Draw& draw) {
  return std::array{draw(kLayer, Phase::train, 0, 0),      draw(kLayer, Phase::train, 0, 0),
                    draw(kOtherLayer, Phase::train, 0, 0), draw(kLayer, Phase::train, 1, 0),
                    draw(kLayer, Phase::train, 0, 1),      draw(kLayer, Phase::evaluate, 0, 0)};
}

std::vector<NoiseCheck> linear_checks(const ParamValues& values, const SelfCheckCall& call) {
  const LinearReadOut source(values, call);
  ReadOutSums sums("read-out");
  for (std::uint64_t piece = 0; sums.count() < call.samples; ++piece) {
    const auto all = compared_passes([&](const char* layer, Phase phase, int step, int micro_step) {
      return source.errors({layer, phase, step, micro_step}, piece);
    });
    sums.add(all[0], all[1], {&all[2], &all[3], &all[4], &all[5]});
  }
  const bool is_noisy = values.get_bool("noise");
  return sums.checks(is_noisy ? kDitheredReadOut : kUniformNoise, is_noisy);
}

/// Both read-outs of attention. How far each lies from a level is known, and with it the moments.
std::vector<NoiseCheck> attention_checks(const ParamValues& values, const SelfCheckCall& call) {
  AttentionReadOut source(values, call);
  ReadOutSums scores("scores"), context("context");
  DitherMoments of_scores, of_context;
  for (std::uint64_t piece = 0; scores.count() < call.samples; ++piece) {
    const auto all = compared_passes([&](const char* layer, Phase phase, int step, int micro_step) {
      return source.errors({layer, phase, step, micro_step}, piece);
    });
    scores.add(all[0].scores, all[1].scores,
               {&all[2].scores, &all[3].scores, &all[4].scores, &all[5].scores});
    context.add(all[0].context, all[1].context,
                {&all[2].context, &all[3].context, &all[4].context, &all[5].context});
    of_scores.add(all[0].of_scores);
    of_context.add(all[0].of_context);
  }
  std::vector<NoiseCheck> checks = scores.checks(of_scores.moments(), true);
  const std::vector<NoiseCheck> more = context.checks(of_context.moments(), true);
  checks.insert(checks.end(), more.begin(), more.end());
  return checks;
}

/// The three read-outs of layers of one name at one step, element by element.
std::vector<NoiseCheck> role_checks(const ParamValues& values, const SelfCheckCall& call) {
  const LinearReadOut linear(values, call);
  AttentionReadOut attention(values, call);
  CorrelationSums linear_scores, linear_context, scores_context;
  for (int step = 0; linear_scores.count() < call.samples; ++step) {
    const std::vector<float> one = linear.errors({kLayer, Phase::train, step, 0}, 0);
    const AttentionErrors both = attention.errors({kLayer, Phase::train, step, 0}, 0);
    std::vector<float> known, in_linear, in_context;
    for (std::size_t i = 0; i < both.scores.size(); ++i) {
      const std::size_t element = both.element_of_score(i);
      if (element >= std::min(one.size(), both.context.size())) break;
      known.push_back(both.scores[i]);
      in_linear.push_back(one[element]);
      in_context.push_back(both.context[element]);
    }
    const auto count = static_cast<std::int64_t>(known.size());
    linear_scores.add(known.data(), in_linear.data(), count);
    scores_context.add(known.data(), in_context.data(), count);
    linear_context.add(one.data(), both.context.data(),
                       static_cast<std::int64_t>(std::min(one.size(), both.context.size())));
  }
  return {check_uncorrelated("errors of Linear and scores", linear_scores),
          check_uncorrelated("errors of scores and context", scores_context),
          check_uncorrelated("errors of context and Linear", linear_context)};
}

}  // namespace

std::vector<NoiseCheck> OpticalProbe::self_check(const ParamValues& values,
                                                 const SelfCheckCall& call) const {
  const at::NoGradGuard no_gradient;
  std::vector<NoiseCheck> checks = operand_checks(*this, values, call);
  std::vector<decltype(&linear_checks)> parts = {linear_checks};
  // Two levels leave none beside 0 that a score could be read from.
  if (values.get_bool("noise") && values.get_int("q_levels") > 2) {
    parts.insert(parts.end(), {attention_checks, role_checks});
  }
  for (auto part : parts) {
    const std::vector<NoiseCheck> more = part(values, call);
    checks.insert(checks.end(), more.begin(), more.end());
  }
  return checks;
}

}  // namespace engine::optical_transformer
