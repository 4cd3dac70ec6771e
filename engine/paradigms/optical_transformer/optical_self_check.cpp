// SPDX-License-Identifier: GPL-3.0-or-later
// The statistical tests of `paradigm probe --self-check`: errors of real layers on inputs that are
// spread over many levels, in units of one level.
#include "engine/paradigms/optical_transformer/optical_linear.h"
#include "engine/paradigms/optical_transformer/optical_noise.h"
#include "engine/paradigms/optical_transformer/optical_options.h"
#include "engine/paradigms/optical_transformer/optical_probe.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace engine::optical_transformer {
namespace {

constexpr std::int64_t kFeatures = 4;         // in
constexpr std::int64_t kOutputs = 64;         // out
constexpr std::int64_t kBatchRows = 4096;     // per pass: 2^18 outputs
constexpr std::uint64_t kInputRole = 0x7FFF;  // of the test's own inputs; no layer's
const char* const kLayer = "model.layers.0.mlp.up_proj";

/// Uniform on [-1, 1), the same for every layer and step.
at::Tensor spread_inputs(std::int64_t rows, std::int64_t columns, std::uint64_t run_seed,
                         std::uint64_t piece) {
  const at::Tensor inputs = at::empty({rows, columns}, at::TensorOptions().dtype(at::kFloat));
  const kernels::NoiseStream stream{kernels::noise_key(run_seed, piece, 0, kInputRole), {0, 0}, 0};
  kernels::cpu::uniform(stream, inputs.numel(), inputs.data_ptr<float>());
  return inputs.mul_(2).sub_(1);
}

std::vector<NoiseCheck> operand_checks(const OpticalProbe& probe, const ParamValues& values,
                                       const SelfCheckCall& call) {
  const double level = 2.0 / static_cast<double>(values.get_int("q_levels") - 1);
  NoiseSums errors;
  double largest = 0;
  for (std::uint64_t piece = 0; errors.count() < call.samples; ++piece) {
    const at::Tensor x = spread_inputs(kBatchRows, kOutputs, call.run_seed, piece);
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

/// Read-out errors of a Linear whose exact products are spread over its levels.
class ReadOutErrors {
 public:
  ReadOutErrors(const ParamValues& values, const SelfCheckCall& call)
      : probe_(), values_(probe_.steady(values)), call_(call) {
    weight_ = spread_inputs(kOutputs, kFeatures, call.run_seed, ~std::uint64_t{0}).to(call.device);
    level_ = 2.0 * kFeatures / static_cast<double>(values.get_int("q_levels") - 1);
  }

  at::Tensor errors(const std::string& layer, Phase phase, std::int64_t step,
                    std::int64_t micro_step, std::uint64_t piece) const {
    const OpticalOptions options = optical_options(values_);
    OpticalLinear linear(std::make_unique<PlainLinear>(layer, weight_, at::Tensor()), options,
                         call_.run_seed);
    const std::vector<std::pair<std::string, double>> ends = {
        {"x_min_max", 1}, {"w_min_max", 1}, {"out_min_max", kFeatures}};
    for (const NamedState& state : linear.simulation_state()) {
      for (const auto& [name, end] : ends) {
        if (state.name != name) continue;
        state.tensor.select(0, 0).fill_(-end);
        state.tensor.select(0, 1).fill_(end);
      }
    }
    const at::Tensor x =
        spread_inputs(kBatchRows, kFeatures, call_.run_seed, piece).to(call_.device);
    ForwardContext context;
    context.phase = phase;
    context.step = step;
    context.micro_step = micro_step;
    context.first_sequence = static_cast<std::int64_t>(piece) * kBatchRows;
    const at::Tensor y = linear.forward(x, context);
    const at::Tensor exact = at::linear(encoded(x, "x"), encoded(weight_, "weight"));
    return y.to(at::kDouble).sub(exact).div(level_).to(at::kCPU, at::kFloat).contiguous();
  }

 private:
  at::Tensor encoded(const at::Tensor& operand, const char* role) const {
    EncodeCall encode{.role = role, .layer = kLayer, .range = RealPair(-1, 1)};
    return probe_.encode(operand, values_, encode).to(at::kDouble);
  }

  OpticalProbe probe_;
  ParamValues values_;
  const SelfCheckCall& call_;
  at::Tensor weight_;
  double level_ = 1;
};

std::vector<NoiseCheck> read_out_checks(const ParamValues& values, const SelfCheckCall& call) {
  const ReadOutErrors source(values, call);
  const std::string other_layer = "model.layers.1.mlp.up_proj";
  NoiseSums errors;
  CorrelationSums next, next_row, layers, steps, micro_steps, evaluation;
  double repeated = 0;
  for (std::uint64_t piece = 0; errors.count() < call.samples; ++piece) {
    const at::Tensor own = source.errors(kLayer, Phase::train, 0, 0, piece);
    const float* e = own.const_data_ptr<float>();
    const auto against = [&](CorrelationSums& sums, const std::string& layer, Phase phase,
                             std::int64_t step, std::int64_t micro_step) {
      const at::Tensor other = source.errors(layer, phase, step, micro_step, piece);
      sums.add(e, other.const_data_ptr<float>(), other.numel());
    };
    errors.add(e, own.numel());
    next.add(e, e + 1, own.numel() - 1);
    next_row.add(e, e + kOutputs, own.numel() - kOutputs);
    against(layers, other_layer, Phase::train, 0, 0);
    against(steps, kLayer, Phase::train, 1, 0);
    against(micro_steps, kLayer, Phase::train, 0, 1);
    against(evaluation, kLayer, Phase::evaluate, 0, 0);
    const at::Tensor again = source.errors(kLayer, Phase::train, 0, 0, piece);
    repeated += own.ne(again).sum().item<double>();
  }
  const bool is_noisy = values.get_bool("noise");
  const NoiseMoments& moments = is_noisy ? kDitheredReadOut : kUniformNoise;
  std::vector<NoiseCheck> checks = {check_mean("read-out error: mean", errors, moments),
                                    check_variance("read-out error: variance", errors, moments),
                                    {.name = "same layer and step: outputs that differ",
                                     .value = repeated,
                                     .samples = errors.count(),
                                     .pass = repeated == 0}};
  if (!is_noisy) return checks;
  checks.push_back(check_uncorrelated("read-out error: lag 1", next));
  checks.push_back(check_uncorrelated("read-out error: next row", next_row));
  checks.push_back(check_uncorrelated("read-out error: two layers", layers));
  checks.push_back(check_uncorrelated("read-out error: two steps", steps));
  checks.push_back(check_uncorrelated("read-out error: two micro-steps", micro_steps));
  checks.push_back(check_uncorrelated("read-out error: training, evaluation", evaluation));
  return checks;
}

/// The noise of the three read-outs, from the streams that their layers draw from.
std::vector<NoiseCheck> role_checks(const ParamValues& values, const SelfCheckCall& call) {
  const std::vector<std::pair<std::string, std::uint64_t>> roles = {
      {"Linear", kernels::noise_role::optical_linear_read_out},
      {"scores", kernels::noise_role::optical_qk},
      {"context", kernels::noise_role::optical_av}};
  const auto seed = static_cast<std::uint64_t>(values.get_int("q_init_seed"));
  const std::int64_t piece = kBatchRows * kOutputs;
  std::vector<std::vector<float>> noise(roles.size(), std::vector<float>(piece));
  std::vector<NoiseSums> sums(roles.size());
  std::vector<CorrelationSums> lags(roles.size());
  std::vector<CorrelationSums> pairs(roles.size());
  for (std::int64_t done = 0; done < call.samples; done += piece) {
    for (std::size_t i = 0; i < roles.size(); ++i) {
      ForwardContext context;
      context.phase = Phase::train;
      const kernels::NoiseStream stream =
          noise_stream(call.run_seed, kLayer, seed, roles[i].second, context, 0).at(done);
      kernels::cpu::uniform(stream, piece, noise[i].data());
      for (float& u : noise[i]) u -= 0.5f;
      sums[i].add(noise[i].data(), piece);
      lags[i].add(noise[i].data(), noise[i].data() + 1, piece - 1);
    }
    for (std::size_t i = 0; i < roles.size(); ++i) {
      pairs[i].add(noise[i].data(), noise[(i + 1) % roles.size()].data(), piece);
    }
  }
  std::vector<NoiseCheck> checks;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    const std::string& role = roles[i].first;
    checks.push_back(check_mean("noise of " + role + ": mean", sums[i], kUniformNoise));
    checks.push_back(check_variance("noise of " + role + ": variance", sums[i], kUniformNoise));
    checks.push_back(check_uncorrelated("noise of " + role + ": lag 1", lags[i]));
  }
  for (std::size_t i = 0; i < roles.size(); ++i) {
    checks.push_back(check_uncorrelated(
        "noise of " + roles[i].first + " and " + roles[(i + 1) % roles.size()].first, pairs[i]));
  }
  return checks;
}

}  // namespace

std::vector<NoiseCheck> OpticalProbe::self_check(const ParamValues& values,
                                                 const SelfCheckCall& call) const {
  const at::NoGradGuard no_gradient;
  std::vector<NoiseCheck> checks = operand_checks(*this, values, call);
  for (auto part : {read_out_checks, role_checks}) {
    const std::vector<NoiseCheck> more = part(values, call);
    checks.insert(checks.end(), more.begin(), more.end());
  }
  return checks;
}

}  // namespace engine::optical_transformer
