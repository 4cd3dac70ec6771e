// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_read_out_errors.h"

#include "engine/paradigms/optical_transformer/optical_attention.h"
#include "engine/paradigms/optical_transformer/optical_linear.h"
#include "engine/paradigms/optical_transformer/optical_options.h"
#include "kernels/noise/noise.h"
#include "kernels/noise_key.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace engine::optical_transformer {
namespace {

constexpr std::uint64_t kInputRole = 0x7FFF;  // of the test's own inputs; no layer's

constexpr std::int64_t kFeatures = 4;  // in, of the Linear

constexpr std::int64_t kSequences = 64;  // of attention, per pass: 2^18 rows of scores
constexpr std::int64_t kHeads = 4;
constexpr std::int64_t kQueries = 1024;
constexpr std::int64_t kChannels = 4;
constexpr std::int64_t kMostLevels = 3;
constexpr double kGreatestScore = kChannels;  // all operands lie in [-1, 1]

using Ends = std::pair<double, double>;

template <typename Layer>
void fix_ranges(Layer& layer, const std::vector<std::pair<std::string, Ends>>& ranges) {
  for (const NamedState& state : layer.simulation_state()) {
    for (const auto& [name, ends] : ranges) {
      if (state.name != name) continue;
      state.tensor.select(0, 0).fill_(ends.first);
      state.tensor.select(0, 1).fill_(ends.second);
    }
  }
}

ForwardContext context_of(const ReadOutPass& pass, std::int64_t first_sequence) {
  ForwardContext context;
  context.phase = pass.phase;
  context.step = pass.step;
  context.micro_step = pass.micro_step;
  context.first_sequence = first_sequence;
  return context;
}

at::Tensor encoded_by(const OpticalProbe& probe, const ParamValues& values,
                      const at::Tensor& operand, const char* role, const ReadOutPass& pass) {
  EncodeCall encode{.role = role, .layer = pass.layer, .range = RealPair(-1, 1)};
  encode.context.step = pass.step;
  return probe.encode(operand, values, encode).to(at::kDouble);
}

std::vector<float> to_vector(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
  const float* data = values.const_data_ptr<float>();
  return {data, data + values.numel()};
}

}  // namespace

at::Tensor spread_inputs(std::int64_t rows, std::int64_t columns, std::uint64_t run_seed,
                         std::uint64_t piece) {
  const at::Tensor inputs = at::empty({rows, columns}, at::TensorOptions().dtype(at::kFloat));
  const kernels::NoiseStream stream{kernels::noise_key(run_seed, piece, 0, kInputRole), {0, 0}, 0};
  kernels::cpu::uniform(stream, inputs.numel(), inputs.data_ptr<float>());
  return inputs.mul_(2).sub_(1);
}

LinearReadOut::LinearReadOut(const ParamValues& values, const SelfCheckCall& call)
    : values_(probe_.steady(values)), call_(call) {
  weight_ =
      spread_inputs(kLinearOutputs, kFeatures, call.run_seed, ~std::uint64_t{0}).to(call.device);
  level_ = 2.0 * kFeatures / static_cast<double>(values.get_int("q_levels") - 1);
}

std::vector<float> LinearReadOut::errors(const ReadOutPass& pass, std::uint64_t piece) const {
  OpticalLinear linear(std::make_unique<PlainLinear>(pass.layer, weight_, at::Tensor()),
                       optical_options(values_), call_.run_seed);
  fix_ranges(
      linear,
      {{"x_min_max", {-1, 1}}, {"w_min_max", {-1, 1}}, {"out_min_max", {-kFeatures, kFeatures}}});
  const at::Tensor x =
      spread_inputs(kLinearRows, kFeatures, call_.run_seed, piece).to(call_.device);
  const at::Tensor y =
      linear.forward(x, context_of(pass, static_cast<std::int64_t>(piece) * kLinearRows));
  const at::Tensor exact = at::linear(encoded_by(probe_, values_, x, "x", pass),
                                      encoded_by(probe_, values_, weight_, "weight", pass));
  return to_vector(y.to(at::kDouble).sub(exact).div(level_));
}

void DitherMoments::add(double v) {
  const double f = v - std::floor(v);
  const double square = f * (1 - f);
  squares_ += square;
  fourths_ += square * (1 - 3 * square);
  ++count_;
}

void DitherMoments::add(const DitherMoments& other) {
  squares_ += other.squares_;
  fourths_ += other.fourths_;
  count_ += other.count_;
}

NoiseMoments DitherMoments::moments() const {
  const auto count = static_cast<double>(count_);
  return {0, squares_ / count, fourths_ / count};
}

AttentionReadOut::AttentionReadOut(const ParamValues& values, const SelfCheckCall& call)
    : values_(probe_.steady(values)), call_(call) {
  const std::int64_t steps = values.get_int("q_levels") - 1;
  below_ = steps / 2;
  above_ = steps - below_;
  // So that 1 and -1 are levels where there are few; where there are many, so that the products of
  // levels are not.
  context_level_ = (below_ < 8 ? 1.0 : 1.0371) / static_cast<double>(below_);
  most_ = std::min(kMostLevels, below_);
  // A score's read-out may err by nearly one level beyond the greatest score.
  for (;; --most_) {
    score_level_ = kGreatestScore / static_cast<double>(most_);
    if (most_ == 1 || is_told_apart(most_)) break;
  }
}

/// The probabilities of both keys when the second's score was read as `score_level`.
AttentionReadOut::Weights AttentionReadOut::weights_at(std::int64_t score_level) const {
  const double scaled =
      static_cast<double>(score_level) * score_level_ / std::sqrt(double(kChannels));
  const auto second = static_cast<float>(1 / (1 + std::exp(-scaled)));
  EncodeCall encode{.role = "probabilities", .layer = "", .range = RealPair(0, 1)};
  const at::Tensor p =
      probe_.encode(at::tensor({1 - second, second}, at::kFloat), values_, encode).to(at::kDouble);
  return {p[0].item<double>(), p[1].item<double>()};
}

/// Whether the first channel's read-out tells all levels of a score apart: none of its two possible
/// values for one is a possible value for the next.
bool AttentionReadOut::is_told_apart(std::int64_t most) const {
  for (std::int64_t level = -most; level < most; ++level) {
    const Weights low = weights_at(level), high = weights_at(level + 1);
    const double below = std::ceil((low.second - low.first) / context_level_);
    const double above = std::floor((high.second - high.first) / context_level_);
    if (below >= above) return false;
  }
  return true;
}

at::Tensor AttentionReadOut::encoded(const at::Tensor& operand, const char* role,
                                     const ReadOutPass& pass) const {
  return encoded_by(probe_, values_, operand, role, pass).to(at::kCPU);
}

/// The last ones are kept: most passes that are compared have the same.
const AttentionReadOut::Operands& AttentionReadOut::operands(const ReadOutPass& pass,
                                                             std::uint64_t piece) {
  if (last_.q.defined() && last_.piece == piece && last_.step == pass.step) return last_;
  const auto spread = [&](std::int64_t rows, std::int64_t columns, std::uint64_t which) {
    return spread_inputs(rows, columns, call_.run_seed ^ (which << 60), piece);
  };
  constexpr std::int64_t kPairs = kChannels / 2;
  Operands result;
  // Pairs of equal channels, which the first key, 1, -1, 1, -1, takes from each other.
  result.q = spread(kSequences * kHeads * kQueries, kPairs, 1)
                 .repeat_interleave(2, 1)
                 .view({kSequences, kHeads, kQueries, kChannels});
  const at::Tensor first_key = at::tensor({1.0f, -1.0f}, at::kFloat)
                                   .repeat({kSequences * kHeads * kPairs})
                                   .view({kSequences, kHeads, 1, kChannels});
  const at::Tensor second_key =
      spread(kSequences * kHeads, kChannels, 2).view({kSequences, kHeads, 1, kChannels});
  result.k = at::cat({first_key, second_key}, 2);
  // A little less than the range: two rounded probabilities may come to more than 1.
  result.v = spread(kSequences * kHeads * 2, kChannels, 3)
                 .mul_(0.98)
                 .view({kSequences, kHeads, 2, kChannels});
  result.v.select(3, 0).select(2, 0).fill_(-1);
  result.v.select(3, 0).select(2, 1).fill_(1);

  const at::Tensor k = encoded(result.k, "k", pass).slice(2, 1, 2);
  result.score = encoded(result.q, "q", pass).mul(k).sum(-1).div(score_level_).contiguous();
  const at::Tensor v = encoded(result.v, "v", pass);
  result.first_values = v.slice(2, 0, 1).contiguous();
  result.second_values = v.slice(2, 1, 2).contiguous();
  result.piece = piece;
  result.step = pass.step;
  last_ = std::move(result);
  return last_;
}

AttentionErrors AttentionReadOut::errors(const ReadOutPass& pass, std::uint64_t piece) {
  const AttentionShape shape{kHeads, kHeads, kChannels, 0, /*causal=*/false};
  OpticalAttention attention(std::make_unique<PlainAttention>(pass.layer, shape),
                             optical_options(values_), call_.run_seed, call_.device);
  const auto ends = [&](double level) {
    return Ends{-level * static_cast<double>(below_), level * static_cast<double>(above_)};
  };
  fix_ranges(attention, {{"query_min_max", {-1, 1}},
                         {"key_min_max", {-1, 1}},
                         {"value_min_max", {-1, 1}},
                         {"qk_min_max", ends(score_level_)},
                         {"av_min_max", ends(context_level_)}});
  const Operands& given = operands(pass, piece);
  const at::Tensor y =
      attention
          .forward(given.q.to(call_.device), given.k.to(call_.device), given.v.to(call_.device),
                   context_of(pass, static_cast<std::int64_t>(piece) * kSequences))
          .view({kSequences, kQueries, kHeads, kChannels})
          .transpose(1, 2)
          .to(at::kCPU, at::kDouble)
          .div(context_level_)
          .contiguous();

  std::vector<Weights> weights;
  std::vector<double> first_channel;  // what is read there, but for its noise
  for (std::int64_t level = -most_; level <= most_; ++level) {
    weights.push_back(weights_at(level));
    first_channel.push_back((weights.back().second - weights.back().first) / context_level_);
  }
  const auto level_read = [&first_channel](double value) {
    std::size_t nearest = 0;
    for (std::size_t i = 1; i < first_channel.size(); ++i) {
      if (std::abs(value - first_channel[i]) < std::abs(value - first_channel[nearest])) {
        nearest = i;
      }
    }
    return nearest;
  };

  AttentionErrors errors;
  const std::int64_t rows = kSequences * kHeads * kQueries;
  errors.scores.reserve(static_cast<std::size_t>(rows));
  errors.context.reserve(static_cast<std::size_t>(rows * kChannels));
  const double* read = y.const_data_ptr<double>();
  const double* scores = given.score.const_data_ptr<double>();
  const double* first = given.first_values.const_data_ptr<double>();
  const double* second = given.second_values.const_data_ptr<double>();
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::size_t level = level_read(read[row * kChannels]);
    errors.scores.push_back(
        static_cast<float>(static_cast<double>(level) - static_cast<double>(most_) - scores[row]));
    errors.of_scores.add(scores[row]);
    for (std::int64_t channel = 0; channel < kChannels; ++channel) {
      const std::int64_t value = row / kQueries * kChannels + channel;
      const double exact =
          (weights[level].first * first[value] + weights[level].second * second[value]) /
          context_level_;
      errors.context.push_back(static_cast<float>(read[row * kChannels + channel] - exact));
      errors.of_context.add(exact);
    }
  }
  return errors;
}

}  // namespace engine::optical_transformer
