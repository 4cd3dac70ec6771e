// SPDX-License-Identifier: GPL-3.0-or-later
// The read-out noise against its mathematics, on more than 10^7 samples, with bounds of 4 standard
// errors (confidence 0.99994 a check). The same checks must reject upstream's frozen noise, no
// noise, and too much of it.
#include "engine/paradigms/optical_transformer/optical_noise.h"

#include "engine/paradigms/optical_transformer/tensor_kernels.h"
#include "engine/statistics/noise_checks.h"
#include "tests/engine/paradigms/optical_transformer/optical_fixtures.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace {

using namespace engine;
using namespace engine::optical_fixtures;

constexpr std::int64_t kSamples = 1 << 24;

std::int64_t rounds() { return std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 16 : 1; }

NoiseSums sums_of(const at::Tensor& x) {
  NoiseSums sums;
  sums.add(x.const_data_ptr<float>(), x.numel());
  return sums;
}

NoiseCheck uncorrelated(const std::string& name, const at::Tensor& a, const at::Tensor& b,
                        std::int64_t lag = 0) {
  CorrelationSums sums;
  sums.add(a.const_data_ptr<float>(), b.const_data_ptr<float>() + lag, a.numel() - lag);
  return check_uncorrelated(name, sums);
}

std::string text_of(const NoiseCheck& check) {
  return check.name + " is " + std::to_string(check.value) + ", not within [" +
         std::to_string(check.lower) + ", " + std::to_string(check.upper) + "]";
}

/// xi of a stream as a layer draws it.
struct Stream {
  std::string layer = "model.layers.0.self_attn.q_proj";
  std::uint64_t run_seed = 42, seed = 0, role = kernels::noise_role::optical_linear_read_out;
  std::int64_t step = 0, micro_step = 0;
  Phase phase = Phase::train;
  std::int64_t first_sequence = 0;

  at::Tensor draw() const {
    ForwardContext context = training(step, micro_step);
    context.phase = phase;
    context.first_sequence = first_sequence;
    at::Tensor xi = at::empty({kSamples});
    kernels::cpu::uniform(
        optical_transformer::noise_stream(run_seed, layer, seed, role, context, kSamples), kSamples,
        xi.data_ptr<float>());
    return xi.sub_(0.5);
  }
};

TEST(OpticalNoise, IsUniformAndWhite) {
  for (std::int64_t round = 0; round < rounds(); ++round) {
    const at::Tensor xi = Stream{.step = round}.draw();
    for (const NoiseCheck& check :
         {check_mean("mean", sums_of(xi), kUniformNoise),
          check_variance("variance", sums_of(xi), kUniformNoise), uncorrelated("lag 1", xi, xi, 1),
          uncorrelated("lag 2", xi, xi, 2), uncorrelated("lag 3", xi, xi, 3),
          uncorrelated("lag 4", xi, xi, 4), uncorrelated("lag 4096", xi, xi, 4096)}) {
      EXPECT_TRUE(check.pass) << text_of(check);
    }
    EXPECT_GE(xi.min().item<float>(), -0.5f);
    EXPECT_LT(xi.max().item<float>(), 0.5f);
  }
}

TEST(OpticalNoise, StreamsThatDifferInOneThingAreUncorrelated) {
  const at::Tensor xi = Stream{}.draw();
  const std::map<std::string, Stream> others = {
      {"layer", {.layer = "model.layers.1.self_attn.q_proj"}},
      {"run seed", {.run_seed = 43}},
      {"user seed", {.seed = 1}},
      {"role", {.role = kernels::noise_role::optical_qk}},
      {"step", {.step = 1}},
      {"micro-step", {.micro_step = 1}},
      {"evaluation", {.phase = Phase::evaluate}},
      {"batch of another rank", {.first_sequence = 1}}};
  for (const auto& [name, stream] : others) {
    const NoiseCheck check = uncorrelated(name, xi, stream.draw());
    EXPECT_TRUE(check.pass) << text_of(check);
  }
  EXPECT_FALSE(uncorrelated("itself", xi, Stream{}.draw()).pass);
}

TEST(OpticalNoise, TheDeterministicQuantiserErrsLikeUniformNoise) {
  at::Generator generator = at::detail::createCPUGenerator(3);
  const at::Tensor x = at::empty({kSamples}).uniform_(-1, 1, generator);
  const optical_transformer::OperandQuantiser how{
      .levels = 256, .range = optical_transformer::range_tensor({-1, 1})};
  const at::Tensor error =
      (optical_transformer::quantised(x, how) - x).mul_(255.0 / 2).contiguous();
  for (const NoiseCheck& check : {check_mean("mean", sums_of(error), kUniformNoise),
                                  check_variance("variance", sums_of(error), kUniformNoise),
                                  uncorrelated("lag 1", error, error, 1)}) {
    EXPECT_TRUE(check.pass) << text_of(check);
  }
  EXPECT_LE(error.abs().max().item<double>(), 0.5001);
}

/// The read-outs of whole layers, as errors in LSB against the accumulator that they read.
class ReadOutErrors {
 public:
  ReadOutErrors() : accumulator_(product()) {}

  at::Tensor of(const Values& given, const std::string& layer, std::int64_t step) const {
    const Values frozen_ranges = {{"q_lut_min", unset}, {"mode", std::string("freeze")}};
    auto linear = optical_linear(weight_, at::Tensor(), joined(frozen_ranges, given), layer);
    set_range(*linear, "x_min_max", -4, 4);
    set_range(*linear, "w_min_max", -4, 4);
    set_range(*linear, "out_min_max", -kEnd, kEnd);
    const at::Tensor y = linear->forward(x_, training(step)).reshape({-1});
    return (y - accumulator_).mul_(255 / (2 * kEnd));
  }

  /// Mean, variance and correlations of the noise of two layers in two steps.
  std::vector<NoiseCheck> checks(const Values& given) const {
    const at::Tensor error = of(given, "model.layers.0.mlp.up_proj", 0);
    const NoiseSums sums = sums_of(error);
    return {check_mean("mean", sums, kDitheredReadOut),
            check_variance("variance", sums, kDitheredReadOut),
            uncorrelated("lag 1", error, error, 1),
            uncorrelated("layers", error, of(given, "model.layers.1.mlp.up_proj", 0)),
            uncorrelated("steps", error, of(given, "model.layers.0.mlp.up_proj", 1)),
            uncorrelated("signal", error, accumulator_)};
  }

 private:
  static constexpr float kEnd = 60;  // some eight standard deviations: nothing is clamped

  at::Tensor product() const {
    const optical_transformer::OperandQuantiser how{
        .levels = 256, .range = optical_transformer::range_tensor({-4, 4})};
    const at::Tensor a = optical_transformer::quantised(x_, how);
    const at::Tensor b = optical_transformer::quantised(weight_, how);
    return at::mm(a.reshape({-1, 48}), b.t()).reshape({-1});
  }

  at::Tensor x_ = normal({32, 512, 48}, 1);
  at::Tensor weight_ = normal({640, 48}, 2);
  at::Tensor accumulator_;  // 10,485,760 outputs
};

const NoiseCheck& find(const std::vector<NoiseCheck>& checks, const std::string& name) {
  for (const NoiseCheck& check : checks) {
    if (check.name == name) return check;
  }
  throw std::out_of_range(name);
}

TEST(OpticalNoise, ReadOutsOfLayersErrAsSpecified) {
  const ReadOutErrors errors;
  for (const NoiseCheck& check : errors.checks({})) {
    EXPECT_TRUE(check.pass) << text_of(check);
    EXPECT_GE(check.samples, 10'000'000);
  }
}

TEST(OpticalNoise, UpstreamsFrozenNoiseIsRejected) {
  const ReadOutErrors errors;
  const std::vector<NoiseCheck> checks = errors.checks({{"semantics", std::string("reference")}});
  EXPECT_FALSE(find(checks, "mean").pass);
  EXPECT_NEAR(find(checks, "mean").value, 0.2980929, 4 * std::sqrt(1.0 / 12 / 1e7));
  EXPECT_FALSE(find(checks, "variance").pass);
  EXPECT_NEAR(find(checks, "variance").value, 1.0 / 12, 1e-3);  // too little: half is missing
  EXPECT_FALSE(find(checks, "layers").pass);
  EXPECT_NEAR(find(checks, "layers").value, 1, 1e-6);
  EXPECT_FALSE(find(checks, "steps").pass);
  EXPECT_NEAR(find(checks, "steps").value, 1, 1e-6);
}

TEST(OpticalNoise, TooLittleAndTooMuchNoiseAreRejected) {
  const ReadOutErrors errors;
  EXPECT_FALSE(find(errors.checks({{"noise", false}}), "variance").pass);
  const at::Tensor error = errors.of({}, "model.layers.0.mlp.up_proj", 0);
  EXPECT_FALSE(check_variance("", sums_of(error * 0.995), kDitheredReadOut).pass);
  EXPECT_FALSE(check_variance("", sums_of(error * 1.005), kDitheredReadOut).pass);
  EXPECT_FALSE(check_mean("", sums_of(error + 0.001), kDitheredReadOut).pass);
}

}  // namespace
