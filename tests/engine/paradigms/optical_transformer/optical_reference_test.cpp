// SPDX-License-Identifier: GPL-3.0-or-later
// semantics: reference: what upstream's code computes, faults included, beside what is intended.
#include "engine/paradigms/optical_transformer/optical_attention.h"
#include "engine/paradigms/optical_transformer/optical_linear.h"
#include "tests/engine/paradigms/optical_transformer/optical_fixtures.h"

#include <gtest/gtest.h>

namespace {

using namespace engine;
using namespace engine::optical_fixtures;

const Values kReference = {{"semantics", std::string("reference")}, {"q_quantiles", unset}};
const Values kFreeze = {{"mode", std::string("freeze")}};
constexpr double kFrozenXi = 0.2980929;  // of seed 0

double lsb_of(const at::Tensor& range) { return (range[1] - range[0]).item<double>() / 255; }

TEST(OpticalReference, NoiseIsOneOffsetInEveryLayerAndStep) {
  const at::Tensor x = normal({8, 128, 32}, 1);
  const at::Tensor w = normal({64, 32}, 2);
  const Values values = joined(kReference, {{"q_lut_min", unset}, {"mode", std::string("freeze")}});
  auto layer = optical_linear(w, at::Tensor(), values);
  auto other = optical_linear(w, at::Tensor(), values, "model.layers.7.mlp.down_proj", 5);
  layer->forward(x, calibration());
  other->forward(x, calibration());
  const at::Tensor y = layer->forward(x, training(0));
  EXPECT_TRUE(same_bits(y, layer->forward(x, training(9))));
  EXPECT_TRUE(same_bits(y, layer->forward(x, evaluation())));
  EXPECT_TRUE(same_bits(y, other->forward(x, training(0))));

  const auto [x_lo, x_hi] = range_of(x);
  const auto [w_lo, w_hi] = range_of(w);
  const at::Tensor c = quantised_double(x, x_lo, x_hi, 256)
                           .reshape({-1, 32})
                           .mm(quantised_double(w, w_lo, w_hi, 256).t());
  const at::Tensor error = (y.reshape({-1, 64}) - c) / lsb_of(state_of(*layer, "out_min_max"));
  const double n = static_cast<double>(error.numel());
  EXPECT_NEAR(error.mean().item<double>(), kFrozenXi, 4 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(error.var().item<double>(), 1.0 / 12, 0.002);
}

TEST(OpticalReference, TheSeedChoosesTheOffset) {
  const at::Tensor x = normal({4, 64, 32}, 1);
  const at::Tensor w = normal({64, 32}, 2);
  const double offsets[] = {0.2980929, -0.2805184, 0.3508947, -0.1333100, -0.2351395};
  for (std::int64_t seed = 0; seed < 5; ++seed) {
    auto layer = optical_linear(w, at::Tensor(),
                                joined(joined(kReference, kFreeze), {{"q_init_seed", seed}}));
    auto exact = optical_linear(w, at::Tensor(), joined(kFreeze, {{"noise", false}}));
    layer->forward(x, calibration());
    exact->forward(x, calibration());
    // Against rounding without noise: both see the same accumulator.
    const at::Tensor shift = (layer->forward(x, training()) - exact->forward(x, training())) /
                             lsb_of(state_of(*layer, "out_min_max"));
    EXPECT_NEAR(shift.mean().item<double>(), offsets[seed], 0.02) << seed;
  }
}

TEST(OpticalReference, TheOutputRangeCanOnlyShrink) {
  const at::Tensor w = normal({16, 32}, 2, 0.2);
  auto reference = optical_linear(w, at::Tensor(), kReference);
  auto intended = optical_linear(w, at::Tensor());
  double hi = std::numeric_limits<double>::infinity();
  for (int step = 0; step < 60; ++step) {
    const at::Tensor x = normal({2, 64, 32}, 100 + step, step < 5 ? 1.0 : 20.0);
    reference->forward(x, training(step));
    intended->forward(x, training(step));
    const double now = state_of(*reference, "out_min_max")[1].item<double>();
    EXPECT_LE(now, hi + 1e-5) << step;
    hi = now;
  }
  EXPECT_GT(state_of(*intended, "out_min_max")[1].item<double>(), 10 * hi);
  const at::Tensor x = normal({2, 64, 32}, 999, 20.0);
  EXPECT_LE(reference->forward(x, evaluation()).max().item<double>(), 1.01 * hi);
  EXPECT_GT(at::linear(x, w).max().item<double>(), 10 * hi);
}

TEST(OpticalReference, TheOutputRangeStartsFromTheExactProductAndFollowsTheBias) {
  const at::Tensor x = normal({2, 64, 32}, 1);
  const at::Tensor w = normal({16, 32}, 2);
  const at::Tensor bias = at::full({16}, 50.0f);
  auto layer = optical_linear(w, bias, joined(kReference, {{"noise", false}}));
  layer->forward(x, training());
  // One forward: from the exact product without bias, then an update with the output and its bias.
  const auto [lo, hi] = range_of(at::linear(x, w));
  const at::Tensor range = state_of(*layer, "out_min_max");
  EXPECT_NEAR(range[0].item<double>(), 0.9 * lo + 0.1 * (lo + 50), 0.1);
  EXPECT_NEAR(range[1].item<double>(), 0.9 * hi + 0.1 * (hi + 50), 0.1);
}

TEST(OpticalReference, OmittedQuantilesOfALinearAreUpstreams) {
  const at::Tensor x = normal({4, 500, 16}, 1);
  auto layer =
      optical_linear(normal({4, 16}, 2), at::Tensor(), {{"semantics", std::string("reference")}});
  layer->forward(x, training());
  EXPECT_TRUE(at::allclose(state_of(*layer, "x_min_max"),
                           at::quantile(x, at::tensor({0.001f, 0.999f})), 1e-5, 1e-6));
}

TEST(OpticalReference, RangesOfABf16WeightStall) {
  const at::Tensor w = normal({8, 16}, 2).to(at::kBFloat16);
  at::Tensor x = normal({2, 16, 16}, 1).clamp_(-1, 1);
  x[0][0][0] = 1.0f;
  auto reference = optical_linear(w, at::Tensor(), kReference);
  auto intended = optical_linear(w, at::Tensor());
  for (int step = 0; step < 40; ++step) {
    const at::Tensor drifted = x * (1 + 0.001 * step);  // 0.1 % a step
    reference->forward(drifted, training(step));
    intended->forward(drifted, training(step));
  }
  const double seen = 1.039;
  EXPECT_NEAR(state_of(*intended, "x_min_max")[1].item<double>(), seen, 0.01);
  const at::Tensor stalled = state_of(*reference, "x_min_max");
  EXPECT_EQ(stalled.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(stalled, stalled.to(at::kBFloat16).to(at::kFloat)));
  EXPECT_LT(stalled[1].item<double>(), 1.02);
}

struct Qkv {
  at::Tensor q, k, v;
};

Qkv inputs(std::uint64_t seed = 1, double sigma = 1.0) {
  return {normal({2, 4, 24, 16}, seed, sigma), normal({2, 2, 24, 16}, seed + 1, sigma),
          normal({2, 2, 24, 16}, seed + 2, sigma)};
}

constexpr AttentionShape kHeads{4, 2, 16, 0};

at::Tensor forward(AttentionCore& layer, const Qkv& x, const ForwardContext& context) {
  return layer.forward(x.q, x.k, x.v, context);
}

TEST(OpticalReference, AttentionSeedsAdvanceByTwoInEveryForwardOfEveryLayer) {
  auto a = optical_attention(kHeads, joined(kReference, kFreeze));
  auto b = optical_attention(kHeads, joined(kReference, kFreeze), "model.layers.9.self_attn");
  auto later = optical_attention(
      kHeads, joined(joined(kReference, kFreeze), {{"q_init_seed", std::int64_t{2}}}));
  const Qkv x = inputs();
  for (auto* layer : {&a, &b, &later}) forward(**layer, x, calibration());
  const at::Tensor first = forward(*a, x, training(0));
  const at::Tensor second = forward(*a, x, training(0));  // the step does not matter
  EXPECT_FALSE(at::equal(first, second));
  EXPECT_TRUE(same_bits(first, forward(*b, x, evaluation())));
  EXPECT_TRUE(same_bits(second, forward(*b, x, training(7))));
  EXPECT_TRUE(same_bits(second, forward(*later, x, training(0))));
}

TEST(OpticalReference, AttentionSeedsContinueAfterAResumeAndRepeatInRecomputation) {
  auto a = optical_attention(kHeads, kReference);
  const Qkv x = inputs();
  for (int step = 0; step < 3; ++step) forward(*a, x, training(step));
  auto resumed = optical_attention(kHeads, kReference);
  const std::vector<at::Tensor> saved = copy_of_state(*a);
  ASSERT_EQ(saved.size(), 7u);
  const auto states = resumed->simulation_state();
  for (std::size_t i = 0; i < saved.size(); ++i) states[i].tensor.copy_(saved[i]);
  const at::Tensor y = forward(*a, x, training(3));
  EXPECT_TRUE(same_bits(y, forward(*resumed, x, training(3))));
  ForwardContext again = training(3);
  again.recompute = true;
  EXPECT_TRUE(same_bits(y, forward(*a, x, again)));
  EXPECT_TRUE(same_bits(forward(*a, x, training(4)), forward(*resumed, x, training(4))));
}

TEST(OpticalReference, TheScoreRangeSeesTheWholeQuantisedMatrix) {
  Qkv x = inputs();
  x.k.select(2, 23).mul_(20);  // the last key, seen by the last query alone
  x.q.select(2, 23).fill_(0.0f);
  auto layer = optical_attention(kHeads, joined(kReference, {{"noise", false}}));
  forward(*layer, x, training(0));
  const at::Tensor raw = at::matmul(x.q, x.k.repeat_interleave(2, 1).transpose(-2, -1));
  const auto [lo, hi] = range_of(raw);
  // Its own output lies within it, so it stays where the exact product put it.
  EXPECT_NEAR(state_of(*layer, "qk_min_max")[0].item<double>(), lo, 0.02 * std::abs(lo));
  EXPECT_NEAR(state_of(*layer, "qk_min_max")[1].item<double>(), hi, 0.02 * hi);
  // Ten times the signal changes nothing: what feeds it is clamped.
  for (int step = 1; step < 4; ++step) {
    forward(*layer, {x.q * 10, x.k, x.v}, training(step));
    EXPECT_LE(state_of(*layer, "qk_min_max")[1].item<double>(), 1.02 * hi);
    EXPECT_LE(state_of(*layer, "av_min_max")[1].item<double>(), x.v.max().item<double>());
  }
}

TEST(OpticalReference, SoftmaxIsRoundedToTheInputsType) {
  const Values values =
      joined(joined(kReference, kFreeze),
             {{"q_levels", std::int64_t{65536}}, {"q_lut_min", unset}, {"noise", false}});
  auto reference = optical_attention(kHeads, values);
  Qkv x = inputs();
  for (at::Tensor* t : {&x.q, &x.k, &x.v}) *t = t->to(at::kBFloat16);
  forward(*reference, x, calibration());
  set_range(*reference, "av_min_max", -6, 6);
  ForwardContext context = training();  // fp32 out, so that only the softmax is rounded
  const at::Tensor y = forward(*reference, x, context);

  const at::Tensor hidden = at::ones({24, 24}, at::kBool).triu(1);
  const auto expected = [&](c10::ScalarType type) {
    const at::Tensor k = x.k.to(at::kFloat).repeat_interleave(2, 1);
    const at::Tensor v = x.v.to(at::kFloat).repeat_interleave(2, 1);
    const at::Tensor scores = at::matmul(x.q.to(at::kFloat), k.transpose(-2, -1)).to(type) * 0.25;
    const at::Tensor p = at::softmax(scores.masked_fill(hidden, -INFINITY), -1).to(at::kFloat);
    return at::matmul(p, v).transpose(1, 2).reshape({2, 24, 64});
  };
  const double from_rounded = (y - expected(at::kBFloat16)).abs().mean().item<double>();
  const double from_exact = (y - expected(at::kFloat)).abs().mean().item<double>();
  EXPECT_LT(from_rounded, 2e-4);
  EXPECT_GT(from_exact, 4 * from_rounded);
}

TEST(OpticalReference, GradientsPassThrough) {
  Qkv x = inputs();
  for (at::Tensor* t : {&x.q, &x.k, &x.v}) t->set_requires_grad(true);
  auto attention = optical_attention(kHeads, kReference);
  forward(*attention, x, training()).sum().backward();
  for (const at::Tensor* t : {&x.q, &x.k, &x.v}) {
    EXPECT_TRUE(at::isfinite(t->grad()).all().item<bool>());
    EXPECT_GT(t->grad().abs().max().item<double>(), 0);
  }
  at::Tensor w = normal({6, 20}, 2).set_requires_grad(true);
  const at::Tensor input = normal({2, 5, 20}, 1);
  const at::Tensor g = normal({2, 5, 6}, 4);
  optical_linear(w, at::Tensor(), kReference)->forward(input, training()).backward(g);
  EXPECT_TRUE(
      at::allclose(w.grad(), g.reshape({10, 6}).t().mm(input.reshape({10, 20})), 1e-5, 1e-6));
}

}  // namespace
