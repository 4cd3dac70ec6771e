// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_linear.h"

#include "engine/error.h"
#include "tests/engine/paradigms/optical_transformer/optical_fixtures.h"

#include <gtest/gtest.h>

namespace {

using namespace engine;
using namespace engine::optical_fixtures;

const Values kExact = {{"q_levels", std::int64_t{65536}}, {"q_lut_min", unset}, {"noise", false}};
const Values kQuiet = {{"noise", false}};

at::Tensor parameter(at::IntArrayRef shape, std::uint64_t seed, double sigma = 1.0) {
  return normal(shape, seed, sigma).set_requires_grad(true);
}

TEST(OpticalLinear, MatchesADoublePrecisionReferenceForAnyInnerSize) {
  for (const std::int64_t k : {1, 31, 33, 100}) {
    const at::Tensor x = normal({2, 5, k}, 1);
    const at::Tensor w = normal({17, k}, 2);
    const at::Tensor b = normal({17}, 3);
    auto layer = optical_linear(w, b, kQuiet);
    const at::Tensor y = layer->forward(x, training());

    const auto [x_lo, x_hi] = range_of(x);
    const auto [w_lo, w_hi] = range_of(w);
    const at::Tensor c = quantised_double(x, x_lo, x_hi, 256)
                             .reshape({-1, k})
                             .mm(quantised_double(w, w_lo, w_hi, 256, 0.02004).t());
    const auto [c_lo, c_hi] = range_of(c);
    const at::Tensor expected =
        quantised_double(c, c_lo, c_hi, 256).reshape({2, 5, 17}) + b.to(at::kDouble);
    // fp32 sums differ in order, so a value near a tie may fall one level to the other side.
    const double lsb = (c_hi - c_lo) / 255;
    const at::Tensor error = (y - expected).abs();
    EXPECT_LT(error.max().item<double>(), 1.01 * lsb) << k;
    EXPECT_LE((error > 1e-3 * lsb).sum().item<std::int64_t>(), 2) << k;
  }
}

TEST(OpticalLinear, ManyLevelsWithoutNoiseApproachThePlainLayer) {
  const at::Tensor x = normal({3, 7, 64}, 1);
  const at::Tensor w = normal({32, 64}, 2, 0.1);
  const at::Tensor b = normal({32}, 3);
  const at::Tensor y = optical_linear(w, b, kExact)->forward(x, training());
  const at::Tensor plain = at::linear(x, w, b);
  EXPECT_LT((y - plain).abs().max().item<double>(), 2e-3);
}

TEST(OpticalLinear, GradientsFollowTheStraightThroughRule) {
  at::Tensor x = parameter({2, 5, 20}, 1);
  at::Tensor w = parameter({6, 20}, 2);
  at::Tensor b = parameter({6}, 3);
  const at::Tensor g = normal({2, 5, 6}, 4);
  optical_linear(w, b)->forward(x, training()).backward(g);
  const at::Tensor g_rows = g.reshape({10, 6});
  EXPECT_TRUE(at::allclose(x.grad(), g_rows.mm(w.detach()).reshape({2, 5, 20}), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(w.grad(), g_rows.t().mm(x.detach().reshape({10, 20})), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(b.grad(), g_rows.sum(0), 1e-5, 1e-6));
}

TEST(OpticalLinear, ClipStopsGradientsOutsideTheRanges) {
  const Values clip = {
      {"noise", false}, {"ste", std::string("clip")}, {"mode", std::string("freeze")}};
  at::Tensor x = parameter({4, 3, 20}, 1);
  at::Tensor w = parameter({6, 20}, 2);
  at::Tensor b = parameter({6}, 3);
  auto layer = optical_linear(w, b, clip);
  set_range(*layer, "x_min_max", -1, 1.2f);
  set_range(*layer, "w_min_max", -1.5f, 1);
  set_range(*layer, "out_min_max", -3, 2);
  const at::Tensor g = normal({4, 3, 6}, 4);
  layer->forward(x, training()).backward(g);

  const at::Tensor xd = x.detach();
  const at::Tensor wd = w.detach();
  const at::Tensor c = quantised_double(xd, -1, 1.2f, 256)
                           .reshape({12, 20})
                           .mm(quantised_double(wd, -1.5, 1, 256, 0.020040f).t());
  const at::Tensor g_kept = g.reshape({12, 6}) * (c >= -3).logical_and(c <= 2).to(at::kFloat);
  const at::Tensor dx = g_kept.mm(wd).reshape({4, 3, 20}) * (xd >= -1).logical_and(xd <= 1.2f);
  const at::Tensor dw = g_kept.t().mm(xd.reshape({12, 20})) * (wd >= -1.5).logical_and(wd <= 1);
  EXPECT_GT((g_kept == 0).sum().item<std::int64_t>(), 5);
  EXPECT_TRUE(at::allclose(x.grad(), dx, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(w.grad(), dw, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(b.grad(), g.reshape({12, 6}).sum(0), 1e-5, 1e-5));
}

TEST(OpticalLinear, GradientsAgreeWithFiniteDifferencesWhereTheyExist) {
  at::Tensor x = parameter({1, 2, 8}, 1);
  at::Tensor w = parameter({3, 8}, 2);
  const Values frozen = {{"q_levels", std::int64_t{65536}},
                         {"q_lut_min", unset},
                         {"noise", false},
                         {"mode", std::string("freeze")}};
  auto layer = optical_linear(w, at::Tensor(), frozen);
  set_range(*layer, "x_min_max", -4, 4);
  set_range(*layer, "w_min_max", -4, 4);
  set_range(*layer, "out_min_max", -40, 40);
  const auto loss = [&](const at::Tensor& input) {
    return layer->forward(input, training()).pow(2).sum();
  };
  loss(x).backward();
  const double h = 0.02;  // many quantiser steps, 8 / 65535 each
  for (const std::int64_t i : {0, 3, 9, 15}) {
    const at::NoGradGuard no_gradient;
    at::Tensor up = x.detach().clone(), down = x.detach().clone();
    up.view(-1)[i] += h;
    down.view(-1)[i] -= h;
    const double slope = (loss(up) - loss(down)).item<double>() / (2 * h);
    EXPECT_NEAR(x.grad().view(-1)[i].item<double>(), slope, 0.02 * std::abs(slope) + 0.15) << i;
  }
}

TEST(OpticalLinear, OperandRangesAreUpdatedThenUsedAndOutputsUsedThenUpdated) {
  const at::Tensor w = normal({4, 8}, 2);
  auto layer = optical_linear(w, at::Tensor(), kExact);
  const at::Tensor first = normal({1, 6, 8}, 1);
  layer->forward(first, training(0));
  const auto [lo, hi] = range_of(first);
  EXPECT_FLOAT_EQ(state_of(*layer, "x_min_max")[0].item<float>(), lo);
  EXPECT_FLOAT_EQ(state_of(*layer, "x_min_max")[1].item<float>(), hi);
  const at::Tensor before = state_of(*layer, "out_min_max").clone();
  const auto [c_lo, c_hi] = range_of(at::linear(first, w));
  EXPECT_NEAR(before[0].item<double>(), c_lo, 1e-3);
  EXPECT_NEAR(before[1].item<double>(), c_hi, 1e-3);

  const at::Tensor y = layer->forward(first * 3, training(1));
  EXPECT_FLOAT_EQ(state_of(*layer, "x_min_max")[1].item<float>(),
                  0.9f * static_cast<float>(hi) + 0.1f * static_cast<float>(3 * hi));
  EXPECT_LE(y.max().item<float>(), before[1].item<float>() * 1.0001f);  // the old range clamped it
  const float after = state_of(*layer, "out_min_max")[1].item<float>();
  EXPECT_GT(after, before[1].item<float>());  // and the accumulator, unclamped, widened it
}

TEST(OpticalLinear, OutputRangeFollowsAGrowingSignalAndIgnoresTheBias) {
  const at::Tensor w = normal({8, 32}, 2, 0.2);
  auto layer = optical_linear(w, at::full({8}, 50.0f), kQuiet);
  for (int step = 0; step < 80; ++step) {
    const double sigma = step < 10 ? 1.0 : 4.0;
    layer->forward(normal({2, 64, 32}, 100 + step, sigma), training(step));
  }
  const at::Tensor c = at::linear(normal({2, 64, 32}, 999, 4.0), w);
  const float lo = state_of(*layer, "out_min_max")[0].item<float>();
  const float hi = state_of(*layer, "out_min_max")[1].item<float>();
  const at::Tensor outside = (c < lo).logical_or(c > hi).to(at::kFloat);
  EXPECT_LT(outside.mean().item<double>(), 0.01);
  EXPECT_LT(hi, 30);  // tracked with the bias it would be near 50
}

TEST(OpticalLinear, QuantileRangesAreUsedWhenAsked) {
  const at::Tensor x = normal({4, 50, 16}, 1);
  auto layer =
      optical_linear(normal({4, 16}, 2), at::Tensor(), {{"q_quantiles", RealPair(0.1, 0.9)}});
  layer->forward(x, training());
  const at::Tensor expected = at::quantile(x, at::tensor({0.1f, 0.9f}));
  EXPECT_TRUE(at::allclose(state_of(*layer, "x_min_max"), expected, 1e-5, 1e-6));
  const at::Tensor out = state_of(*layer, "out_min_max");
  EXPECT_LT(out[1].item<double>(), range_of(at::linear(x, layer->weight())).second * 0.8);
}

TEST(OpticalLinear, NonFiniteObservationsChangeNoRange) {
  auto layer = optical_linear(normal({4, 8}, 2), at::Tensor());
  layer->forward(normal({1, 6, 8}, 1), training(0));
  const std::vector<at::Tensor> before = copy_of_state(*layer);
  at::Tensor bad = normal({1, 6, 8}, 3);
  bad[0][2][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor y = layer->forward(bad, training(1));
  EXPECT_TRUE(at::isnan(y[0][2]).all().item<bool>());  // the row of the NaN, and only it
  EXPECT_FALSE(at::isnan(y[0][1]).any().item<bool>());
  const std::vector<at::Tensor> after = copy_of_state(*layer);
  EXPECT_TRUE(same_bits(before[0], after[0]));
  EXPECT_TRUE(same_bits(before[2], after[2]));
  bad[0][2][3] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(at::isfinite(layer->forward(bad, training(2))).all().item<bool>());  // clamped
  EXPECT_TRUE(same_bits(before[0], copy_of_state(*layer)[0]));
}

TEST(OpticalLinear, FirstInputNeverFiniteGivesNaNAndNoRange) {
  auto layer = optical_linear(normal({4, 8}, 2), at::Tensor());
  at::Tensor bad = normal({1, 6, 8}, 3);
  bad[0][0][0] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(at::isnan(layer->forward(bad, training())).all().item<bool>());
  EXPECT_GT(state_of(*layer, "x_min_max")[0].item<float>(),
            state_of(*layer, "x_min_max")[1].item<float>());
  EXPECT_TRUE(at::isfinite(layer->forward(normal({1, 6, 8}, 4), training())).all().item<bool>());
}

TEST(OpticalLinear, EvaluationOfAFreshLayerNamesTheLayerAndTheRemedy) {
  for (const Values& values : {Values{}, Values{{"mode", std::string("freeze")}}}) {
    auto layer =
        optical_linear(normal({4, 8}, 2), at::Tensor(), values, "model.layers.3.mlp.gate_proj");
    try {
      layer->forward(normal({1, 2, 8}, 1), values.empty() ? evaluation() : training());
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("model.layers.3.mlp.gate_proj"), std::string::npos);
      EXPECT_NE(error.problems()[0].remedy.find("--calibrate_batches"), std::string::npos);
    }
  }
}

TEST(OpticalLinear, EvaluationAndFreezeChangeNoState) {
  for (const bool frozen : {false, true}) {
    const Values values = frozen ? Values{{"mode", std::string("freeze")}} : Values{};
    auto layer = optical_linear(normal({4, 8}, 2), normal({4}, 3), values);
    layer->forward(normal({2, 6, 8}, 1), calibration());
    const std::vector<at::Tensor> before = copy_of_state(*layer);
    for (int i = 0; i < 3; ++i) {
      layer->forward(normal({2, 6, 8}, 10 + i, 5.0), frozen ? training(i) : evaluation());
    }
    const std::vector<at::Tensor> after = copy_of_state(*layer);
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], after[i]));
  }
}

TEST(OpticalLinear, CalibrationObservesAndComputesThePlainProduct) {
  const at::Tensor x = normal({2, 6, 8}, 1);
  const at::Tensor w = normal({4, 8}, 2);
  const at::Tensor b = normal({4}, 3);
  auto layer = optical_linear(w, b, {{"mode", std::string("calibrate")}});
  EXPECT_TRUE(at::allclose(layer->forward(x, calibration()), at::linear(x, w, b), 1e-5, 1e-6));
  const auto [c_lo, c_hi] = range_of(at::linear(x, w));
  EXPECT_NEAR(state_of(*layer, "out_min_max")[0].item<double>(), c_lo, 1e-5);
  EXPECT_NEAR(state_of(*layer, "out_min_max")[1].item<double>(), c_hi, 1e-5);
}

TEST(OpticalLinear, NoiseHasTheSpecifiedSizeAndIsNewInEveryStep) {
  const at::Tensor x = normal({8, 128, 32}, 1);
  const at::Tensor w = normal({64, 32}, 2);
  auto noisy = optical_linear(w, at::Tensor(), {{"q_lut_min", unset}});
  auto quiet = optical_linear(
      w, at::Tensor(), {{"q_lut_min", unset}, {"noise", false}, {"q_levels", std::int64_t{65536}}});
  noisy->forward(x, calibration());
  quiet->forward(x, calibration());
  const at::Tensor range = state_of(*noisy, "out_min_max");
  const double lsb = (range[1] - range[0]).item<double>() / 255;
  const at::Tensor a = noisy->forward(x, training(0));
  const at::Tensor b = noisy->forward(x, training(1));
  EXPECT_FALSE(at::equal(a, b));
  EXPECT_FALSE(at::equal(a, noisy->forward(x, training(0, 1))));

  // Against the product of the same 256-level operands: dither and rounding, LSB²/12 each.
  const auto [x_lo, x_hi] = range_of(x);
  const auto [w_lo, w_hi] = range_of(w);
  const at::Tensor c = quantised_double(x, x_lo, x_hi, 256)
                           .reshape({-1, 32})
                           .mm(quantised_double(w, w_lo, w_hi, 256).t());
  const at::Tensor error = (a.reshape({-1, 64}) - c) / lsb;
  const double n = static_cast<double>(error.numel());
  EXPECT_LT(std::abs(error.mean().item<double>()), 4 * std::sqrt(1.0 / 6 / n));
  EXPECT_NEAR(error.var().item<double>(), 1.0 / 6, 0.005);
}

TEST(OpticalLinear, TrainingAndEvaluationDrawDifferentNoise) {
  const at::Tensor x = normal({2, 30, 32}, 1);
  auto layer = optical_linear(normal({16, 32}, 2), at::Tensor(), {{"mode", std::string("freeze")}});
  layer->forward(x, calibration());
  EXPECT_FALSE(at::equal(layer->forward(x, training(0)), layer->forward(x, evaluation())));
  EXPECT_TRUE(at::equal(layer->forward(x, evaluation()), layer->forward(x, evaluation())));
}

TEST(OpticalLinear, RecomputationRepeatsTheBitsAndUpdatesNothing) {
  auto layer = optical_linear(normal({16, 32}, 2), normal({16}, 3));
  layer->forward(normal({2, 9, 32}, 1), training(0));
  const at::Tensor x = normal({2, 9, 32}, 5, 2.0);
  const at::Tensor first = layer->forward(x, training(1));
  const std::vector<at::Tensor> before = copy_of_state(*layer);
  ForwardContext again = training(1);
  again.recompute = true;
  EXPECT_TRUE(same_bits(first, layer->forward(x, again)));
  const std::vector<at::Tensor> after = copy_of_state(*layer);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], after[i]));
}

TEST(OpticalLinear, ASplitBatchGivesTheSameRows) {
  auto layer =
      optical_linear(normal({16, 32}, 2), normal({16}, 3), {{"mode", std::string("freeze")}});
  const at::Tensor x = normal({6, 9, 32}, 1);
  layer->forward(x, calibration());
  const at::Tensor whole = layer->forward(x, training(4, 1));
  ForwardContext second = training(4, 1);
  second.first_sequence = 2;
  EXPECT_TRUE(same_bits(whole.narrow(0, 2, 4), layer->forward(x.narrow(0, 2, 4), second)));
  EXPECT_FALSE(at::equal(whole.narrow(0, 2, 4), layer->forward(x.narrow(0, 2, 4), training(4, 1))));
}

TEST(OpticalLinear, NoiseDiffersByLayerSeedAndRun) {
  const at::Tensor x = normal({2, 9, 32}, 1);
  const at::Tensor w = normal({16, 32}, 2);
  const auto output = [&](const std::string& name, std::int64_t seed, std::uint64_t run_seed) {
    return optical_linear(w, at::Tensor(), {{"q_init_seed", seed}}, name, run_seed)
        ->forward(x, training());
  };
  const at::Tensor base = output("model.layers.0.mlp.up_proj", 0, 42);
  EXPECT_TRUE(at::equal(base, output("model.layers.0.mlp.up_proj", 0, 42)));
  EXPECT_FALSE(at::equal(base, output("model.layers.1.mlp.up_proj", 0, 42)));
  EXPECT_FALSE(at::equal(base, output("model.layers.0.mlp.up_proj", 1, 42)));
  EXPECT_FALSE(at::equal(base, output("model.layers.0.mlp.up_proj", 0, 43)));
}

TEST(OpticalLinear, BypassIsThePlainLayerBitForBit) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    ForwardContext context = training();
    context.compute_dtype = dtype;
    at::Tensor w = parameter({16, 32}, 2), b = parameter({16}, 3);
    at::Tensor x = normal({2, 9, 32}, 1).to(dtype).set_requires_grad(true);
    auto layer = optical_linear(w, b, {{"q_bypass", true}});
    const at::Tensor y = layer->forward(x, context);
    PlainLinear plain("plain", w.detach().clone().set_requires_grad(true),
                      b.detach().clone().set_requires_grad(true));
    at::Tensor x2 = x.detach().clone().set_requires_grad(true);
    const at::Tensor y2 = plain.forward(x2, context);
    EXPECT_TRUE(same_bits(y, y2));
    y.sum().backward();
    y2.sum().backward();
    EXPECT_TRUE(same_bits(x.grad(), x2.grad()));
    EXPECT_TRUE(same_bits(w.grad(), plain.weight().grad()));
    EXPECT_GT(state_of(*layer, "x_min_max")[0].item<float>(), 0);  // still unset
    EXPECT_TRUE(layer->is_transformed());
  }
}

TEST(OpticalLinear, StridedViewsGiveTheResultOfTheirCopies) {
  const at::Tensor w = normal({16, 32}, 2);
  const at::Tensor wide = normal({2, 9, 64}, 1);
  const at::Tensor views[] = {wide.narrow(2, 3, 32), wide.transpose(0, 1).narrow(2, 0, 32),
                              normal({32, 9, 2}, 4).permute({2, 1, 0}),
                              normal({1, 1, 32}, 6).expand({3, 2, 32})};
  for (const at::Tensor& view : views) {
    const at::Tensor y = optical_linear(w, at::Tensor())->forward(view, training());
    EXPECT_TRUE(
        same_bits(y, optical_linear(w, at::Tensor())->forward(view.contiguous(), training())));
  }
  // A weight stored by columns makes another matrix kernel sum in another order: a level at most.
  const at::Tensor by_columns = w.t().contiguous().t();
  auto layer = optical_linear(by_columns, at::Tensor());
  const at::Tensor y = layer->forward(views[0], training());
  const at::Tensor range = state_of(*layer, "out_min_max");
  const at::Tensor expected = optical_linear(w, at::Tensor())->forward(views[0], training());
  EXPECT_LT((y - expected).abs().max().item<double>(),
            1.01 * (range[1] - range[0]).item<double>() / 255);
}

TEST(OpticalLinear, RankTwoInputCountsRowsAsSequences) {
  auto layer = optical_linear(normal({16, 32}, 2), at::Tensor(), {{"mode", std::string("freeze")}});
  const at::Tensor x = normal({10, 32}, 1);
  layer->forward(x, calibration());
  const at::Tensor y = layer->forward(x, training());
  EXPECT_EQ(y.sizes(), (std::vector<std::int64_t>{10, 16}));
  EXPECT_TRUE(same_bits(y, layer->forward(x.unsqueeze(1), training()).squeeze(1)));
}

TEST(OpticalLinear, ConstantTensorsStayFinite) {
  auto layer = optical_linear(at::full({4, 8}, 0.25f), at::Tensor());
  const at::Tensor y = layer->forward(at::full({1, 3, 8}, 2.0f), training());
  EXPECT_TRUE(at::allclose(y, at::full({1, 3, 4}, 4.0f)));
  auto zeros = optical_linear(at::zeros({4, 8}), at::Tensor());
  EXPECT_TRUE(at::equal(zeros->forward(at::zeros({1, 3, 8}), training()), at::zeros({1, 3, 4})));
}

TEST(OpticalLinear, AnEmptyBatchPasses) {
  auto layer = optical_linear(normal({4, 8}, 2), normal({4}, 3));
  EXPECT_EQ(layer->forward(at::empty({0, 5, 8}), training()).sizes(),
            (std::vector<std::int64_t>{0, 5, 4}));
  EXPECT_GT(state_of(*layer, "x_min_max")[0].item<float>(), 0);  // nothing observed
}

TEST(OpticalLinear, BFloat16InAndOutWithFp32Inside) {
  const at::Tensor x = normal({2, 9, 32}, 1).to(at::kBFloat16);
  at::Tensor w = parameter({16, 32}, 2);
  at::Tensor x_in = x.clone().set_requires_grad(true);
  auto layer = optical_linear(w, at::Tensor());
  ForwardContext context = training();
  context.compute_dtype = at::kBFloat16;
  const at::Tensor y = layer->forward(x_in, context);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  const at::Tensor in_fp32 =
      optical_linear(w.detach(), at::Tensor())->forward(x.to(at::kFloat), training());
  EXPECT_TRUE(same_bits(y, in_fp32.to(at::kBFloat16)));  // rounded once, at the end
  for (int step = 0; step < 2; ++step)
    layer->forward(x_in, context).to(at::kFloat).sum().backward();
  EXPECT_EQ(x_in.grad().scalar_type(), at::kBFloat16);
  EXPECT_EQ(w.grad().scalar_type(), at::kFloat);
  EXPECT_EQ(state_of(*layer, "x_min_max").scalar_type(), at::kFloat);
}

TEST(OpticalLinear, MismatchedShapesAreRefusedByName) {
  auto layer = optical_linear(normal({4, 8}, 2), at::Tensor());
  EXPECT_THROW(layer->forward(normal({1, 3, 9}, 1), training()), Error);
}

TEST(OpticalLinear, TheGlobalGeneratorIsUntouched) {
  const at::Tensor before = at::detail::getDefaultCPUGenerator().get_state();
  optical_linear(normal({4, 8}, 2), at::Tensor())->forward(normal({1, 3, 8}, 1), training());
  EXPECT_TRUE(at::equal(before, at::detail::getDefaultCPUGenerator().get_state()));
}

TEST(OpticalLinear, AnotherNumberOfThreadsGivesTheSameRanges) {
  const at::Tensor x = normal({4, 300, 64}, 1);
  const at::Tensor w = normal({96, 64}, 2);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  auto one = optical_linear(w, at::Tensor());
  one->forward(x, training());
  at::set_num_threads(threads);
  auto many = optical_linear(w, at::Tensor());
  many->forward(x, training());
  EXPECT_TRUE(same_bits(state_of(*one, "x_min_max"), state_of(*many, "x_min_max")));
  EXPECT_TRUE(at::allclose(state_of(*one, "out_min_max"), state_of(*many, "out_min_max")));
}

TEST(OpticalLinear, TheOutputMayBeChangedInPlace) {
  at::Tensor w = parameter({4, 8}, 2);
  at::Tensor y = optical_linear(w, at::Tensor())->forward(normal({1, 3, 8}, 1), training());
  y.mul_(2).sum().backward();
  EXPECT_TRUE(w.grad().defined());
}

TEST(OpticalLinear, ATensorElsewhereIsRefusedByName) {
  const auto elsewhere = at::TensorOptions().device(at::kMeta);
  auto layer = optical_linear(normal({4, 8}, 2), at::Tensor(), {}, "model.layers.1.mlp.up_proj");
  try {
    layer->forward(at::empty({1, 3, 8}, elsewhere), training());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("model.layers.1.mlp.up_proj"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("meta"), std::string::npos);
  }
  EXPECT_THROW(optical_linear(at::empty({4, 8}, elsewhere), at::Tensor()), Error);
}

TEST(OpticalLinear, DelayedRangesAreThoseOfThePreviousMicroStep) {
  const Values delayed = joined(kExact, {{"stats", std::string("delayed")}});
  const at::Tensor w = normal({4, 8}, 2);
  auto layer = optical_linear(w, at::Tensor(), delayed);
  const at::Tensor x = normal({1, 6, 8}, 1);
  layer->forward(x, training(0));  // the first time there is nothing but the data at hand
  const auto [lo, hi] = range_of(x);
  EXPECT_FLOAT_EQ(state_of(*layer, "x_min_max")[1].item<float>(), hi);
  const at::Tensor old_out = state_of(*layer, "out_min_max").clone();

  const at::Tensor y = layer->forward(x * 3, training(1));
  const at::Tensor clamped = at::linear((x * 3).clamp(lo, hi), w);
  EXPECT_LT((y - clamped.clamp(old_out[0].item<float>(), old_out[1].item<float>()))
                .abs()
                .max()
                .item<double>(),
            2e-3);
  EXPECT_FLOAT_EQ(state_of(*layer, "x_min_max")[1].item<float>(),
                  0.9f * static_cast<float>(hi) + 0.1f * static_cast<float>(3 * hi));
  EXPECT_NEAR(state_of(*layer, "out_min_max")[1].item<double>(),
              0.9 * old_out[1].item<double>() + 0.1 * clamped.max().item<double>(), 1e-3);
}

TEST(OpticalLinear, DelayedRangesRepeatInRecomputationAndInClippedGradients) {
  const Values values = {{"stats", std::string("delayed")}, {"ste", std::string("clip")}};
  auto layer = optical_linear(parameter({16, 32}, 2), normal({16}, 3), values);
  const at::Tensor first = normal({2, 9, 32}, 1);
  layer->forward(first, training(0));
  at::Tensor x = (first * 2).set_requires_grad(true);
  const at::Tensor y = layer->forward(x, training(1));
  ForwardContext again = training(1);
  again.recompute = true;
  EXPECT_TRUE(same_bits(y, layer->forward(x, again)));
  y.sum().backward();
  const auto [lo, hi] = range_of(first);  // the range that the forward used, not the one after
  const at::Tensor outside = (x.detach() < lo).logical_or(x.detach() > hi);
  EXPECT_GT(outside.sum().item<std::int64_t>(), 10);
  EXPECT_EQ(x.grad().masked_select(outside).abs().max().item<float>(), 0.0f);
}

ParamSchedule ramp(double from, double to, std::int64_t steps) {
  return {.from = from, .to = to, .steps = steps, .shape = ScheduleShape::linear};
}

TEST(OpticalLinear, TheFloorMayMoveOverSteps) {
  const at::Tensor x = normal({2, 9, 32}, 1);
  const at::Tensor w = normal({16, 32}, 2);
  const Values quiet = {{"noise", false}, {"mode", std::string("freeze")}};
  auto moving = optical_linear(w, at::Tensor(), joined(quiet, {{"q_lut_min", ramp(0.3, 0.1, 10)}}));
  moving->forward(x, calibration());
  for (const auto& [step, floor] : {std::pair{0, 0.3}, {5, 0.2}, {10, 0.1}, {99, 0.1}}) {
    auto fixed = optical_linear(w, at::Tensor(), joined(quiet, {{"q_lut_min", floor}}));
    fixed->forward(x, calibration());
    EXPECT_TRUE(same_bits(moving->forward(x, training(step)), fixed->forward(x, training(step))))
        << step;
  }
}

TEST(OpticalLinear, TheSmoothingMayMoveOverSteps) {
  auto layer =
      optical_linear(normal({4, 8}, 2), at::Tensor(), {{"q_smooth_factor", ramp(0.5, 0.9, 4)}});
  const at::Tensor x = normal({1, 6, 8}, 1);
  const float hi = static_cast<float>(range_of(x).second);
  layer->forward(x, training(0));
  layer->forward(x * 2, training(2));
  EXPECT_NEAR(state_of(*layer, "x_min_max")[1].item<float>(), 0.7f * hi + 0.3f * 2 * hi, 1e-5);
}

TEST(OpticalLinear, NothingIsMeasuredUnlessAsked) {
  auto layer = optical_linear(normal({16, 32}, 2), normal({16}, 3));
  auto twin = optical_linear(normal({16, 32}, 2), normal({16}, 3));
  const at::Tensor x = normal({2, 9, 32}, 1);
  layer->forward(x, training(0));
  twin->forward(x, training(0));
  EXPECT_TRUE(layer->statistics().empty());
  ForwardContext measured = training(1);
  measured.measure = true;
  EXPECT_TRUE(same_bits(layer->forward(x * 2, measured), twin->forward(x * 2, training(1))));
  EXPECT_FALSE(layer->statistics().empty());
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(same_bits(copy_of_state(*layer)[i], copy_of_state(*twin)[i]));
  }
}

TEST(OpticalLinear, StatisticsAreThoseOfTheMeasuredForward) {
  const at::Tensor x = normal({4, 64, 32}, 1);
  const at::Tensor w = normal({48, 32}, 2);
  const at::Tensor b = normal({48}, 3);
  auto layer = optical_linear(w, b, {{"mode", std::string("freeze")}});
  set_range(*layer, "x_min_max", -3.5f, 3);
  set_range(*layer, "w_min_max", -3, 3.25f);
  set_range(*layer, "out_min_max", -10, 8);
  ForwardContext context = training();
  context.measure = true;
  const at::Tensor y = layer->forward(x, context);
  EXPECT_EQ(statistic(*layer, "x_lo"), -3.5);
  EXPECT_EQ(statistic(*layer, "w_hi"), 3.25);
  EXPECT_EQ(statistic(*layer, "out_lo"), -10);
  EXPECT_EQ(statistic(*layer, "out_hi"), 8);
  EXPECT_EQ(statistic(*layer, "refused_observations"), 0);

  const at::Tensor c = quantised_double(x, -3.5, 3, 256)
                           .reshape({-1, 32})
                           .mm(quantised_double(w, -3, 3.25, 256, 0.02004).t());
  const double clamped = (c < -10).logical_or(c > 8).to(at::kDouble).mean().item<double>();
  EXPECT_GT(clamped, 0.05);
  EXPECT_NEAR(statistic(*layer, "clamp_rate"), clamped, 1e-3);
  const at::Tensor exact = at::linear(x, w, b).to(at::kDouble);
  const double ratio =
      (exact.pow(2).sum() / (y.to(at::kDouble) - exact).pow(2).sum()).item<double>();
  EXPECT_NEAR(statistic(*layer, "sqnr_db"), 10 * std::log10(ratio), 1e-3);
}

TEST(OpticalLinear, MoreLevelsRaiseTheSignalToNoiseRatioBySixDecibelsABit) {
  const at::Tensor x = normal({8, 64, 128}, 1);
  const at::Tensor w = normal({96, 128}, 2);
  double before = 0;
  for (const std::int64_t levels : {64, 256, 1024}) {
    auto layer = optical_linear(w, at::Tensor(), {{"q_levels", levels}, {"q_lut_min", unset}});
    layer->forward(x, training(0));
    ForwardContext context = training(1);
    context.measure = true;
    layer->forward(x, context);
    const double now = statistic(*layer, "sqnr_db");
    if (before != 0) {
      EXPECT_NEAR(now - before, 12.04, 0.4) << levels;
    }
    before = now;
  }
}

TEST(OpticalLinear, RefusedObservationsAreCounted) {
  auto layer = optical_linear(normal({4, 8}, 2), at::Tensor());
  layer->forward(normal({1, 6, 8}, 1), training(0));
  at::Tensor bad = normal({1, 6, 8}, 3);
  bad[0][2][3] = std::numeric_limits<float>::quiet_NaN();
  layer->forward(bad, training(1));
  ForwardContext context = training(2);
  context.measure = true;
  layer->forward(bad, context);
  EXPECT_EQ(statistic(*layer, "refused_observations"), 4);  // x and its product, twice
}

TEST(OpticalLinear, NonFiniteWeightsStayInTheirOutputs) {
  at::Tensor w = normal({4, 8}, 2);
  auto layer = optical_linear(w, at::Tensor());
  layer->forward(normal({1, 6, 8}, 1), training(0));
  const std::vector<at::Tensor> before = copy_of_state(*layer);
  w[1][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor y = layer->forward(normal({1, 6, 8}, 5), training(1));
  EXPECT_TRUE(at::isnan(y.select(2, 1)).all().item<bool>());
  EXPECT_EQ(at::isnan(y).sum().item<std::int64_t>(), 6);
  EXPECT_TRUE(same_bits(before[1], copy_of_state(*layer)[1]));
  w[1][3] = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(at::isfinite(layer->forward(normal({1, 6, 8}, 6), training(2))).all().item<bool>());
  EXPECT_TRUE(same_bits(before[1], copy_of_state(*layer)[1]));
}

TEST(OpticalLinear, TypesOfInputWeightAndBiasMayDiffer) {
  const at::Tensor x = normal({2, 9, 32}, 1).to(at::kBFloat16);
  const at::Tensor w = normal({16, 32}, 2).to(at::kHalf);
  const at::Tensor b = normal({16}, 3).to(at::kBFloat16);
  const at::Tensor expected =
      optical_linear(w.to(at::kFloat), b.to(at::kFloat))->forward(x.to(at::kFloat), training());
  for (const auto type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    at::Tensor x_in = x.clone().set_requires_grad(true);
    at::Tensor w_in = w.clone().set_requires_grad(true);
    at::Tensor b_in = b.clone().set_requires_grad(true);
    ForwardContext context = training();
    context.compute_dtype = type;
    const at::Tensor y = optical_linear(w_in, b_in)->forward(x_in, context);
    EXPECT_TRUE(same_bits(y, expected.to(type)));
    y.to(at::kFloat).sum().backward();
    EXPECT_EQ(x_in.grad().scalar_type(), at::kBFloat16);
    EXPECT_EQ(w_in.grad().scalar_type(), at::kHalf);
    EXPECT_EQ(b_in.grad().scalar_type(), at::kBFloat16);
  }
}

// In bf16 levels from 128 on have a spacing of 1: noise added there would be lost.
TEST(OpticalLinear, Bf16InputIsDitheredAlsoInTheUpperLevels) {
  const at::Tensor x = normal({8, 64, 64}, 1).to(at::kBFloat16);
  auto layer = optical_linear(normal({64, 64}, 2), at::Tensor(), {{"mode", std::string("freeze")}});
  layer->forward(x, calibration());
  const at::Tensor a = layer->forward(x, training(0));
  const at::Tensor b = layer->forward(x, training(1));
  const at::Tensor range = state_of(*layer, "out_min_max");
  const at::Tensor upper = a > (range[0] + range[1]).item<double>() / 2;
  const at::Tensor differs = (a != b).masked_select(upper).to(at::kFloat);
  EXPECT_GT(differs.numel(), 1000);
  EXPECT_NEAR(differs.mean().item<double>(), 1.0 / 3, 0.02);  // the average of 2f(1 - f)
}

TEST(OpticalLinear, RangesFollowASmallDriftWithBf16Weights) {
  auto layer = optical_linear(normal({8, 16}, 2).to(at::kBFloat16), at::Tensor());
  const at::Tensor x = normal({2, 16, 16}, 1);
  for (int step = 0; step < 100; ++step) {
    layer->forward(x * (step < 50 ? 1.0 : 1.001), training(step));
  }
  EXPECT_NEAR(state_of(*layer, "x_min_max")[1].item<double>() / x.max().item<double>(), 1.001,
              2e-5);
}

TEST(OpticalLinear, NoStateIsChangedByTheOrderOfEvaluationBatches) {
  auto layer = optical_linear(normal({16, 32}, 2), normal({16}, 3));
  layer->forward(normal({2, 9, 32}, 1), training(0));
  const at::Tensor a = normal({2, 9, 32}, 5, 3.0), b = normal({2, 9, 32}, 6);
  const at::Tensor a_first = layer->forward(a, evaluation());
  const at::Tensor b_then = layer->forward(b, evaluation());
  EXPECT_TRUE(same_bits(b_then, layer->forward(b, evaluation())));
  EXPECT_TRUE(same_bits(a_first, layer->forward(a, evaluation())));
}

}  // namespace
