// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/error.h"
#include "engine/model/linear_layer.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_info.h"

#include <ATen/ATen.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace engine;
using Values = std::vector<std::pair<std::string, ParamValue>>;

const std::string kName = "model.layers.0.mlp.up_proj";
const Values kFrequent{{"x_p_exp", 0x1p-7},  {"x_p_frac", 0x1p-6},   {"w_p_exp", 0x1p-8},
                       {"w_p_frac", 0x1p-5}, {"x_zero_out_t", 30.0}, {"w_zero_out_t", 1.25}};
const Values kRare{{"x_p_exp", 0x1p-9},   {"x_p_frac", 0x1p-11},  {"w_p_exp", 0x1p-9},
                   {"w_p_frac", 0x1p-11}, {"x_zero_out_t", 30.0}, {"w_zero_out_t", 1.25}};

std::unique_ptr<LinearLayer> bitflip_linear(const at::Tensor& weight, const at::Tensor& bias,
                                            const Values& given, const std::string& name = kName,
                                            std::uint64_t run_seed = 42) {
  ParamValues values;
  for (const auto& [key, value] : given) values.set(key, value);
  const auto infos = paradigm_infos();
  const ParamValues effective = find_paradigm(infos, "random_bitflip")->schema.effective(values);
  for (const auto& paradigm : all_paradigms()) {
    if (paradigm->id() != "random_bitflip") continue;
    return paradigm->replace(std::make_unique<PlainLinear>(name, weight, bias), effective,
                             {run_seed});
  }
  return nullptr;
}

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed, double sigma = 1.0) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator) * sigma;
}

at::Tensor parameter(at::IntArrayRef shape, std::uint64_t seed) {
  return normal(shape, seed, 0.3).set_requires_grad(true);
}

ForwardContext training(std::int64_t step = 0, std::int64_t micro_step = 0,
                        c10::ScalarType dtype = at::kFloat) {
  ForwardContext context;
  context.phase = Phase::train;
  context.step = step;
  context.micro_step = micro_step;
  context.compute_dtype = dtype;
  return context;
}

Values with(Values values, const std::string& name, ParamValue value) {
  values.emplace_back(name, std::move(value));
  return values;
}

/// What a layer with these values makes of x (or of the weight): the product with an identity.
at::Tensor flipped_x(const at::Tensor& x, const Values& values, const ForwardContext& context) {
  Values only_x;
  for (const auto& value : values) {
    if (value.first[0] != 'w') only_x.push_back(value);
  }
  return bitflip_linear(at::eye(x.size(-1)), {}, only_x)->forward(x, context);
}
at::Tensor flipped_w(const at::Tensor& w, const Values& values, const ForwardContext& context) {
  Values only_w;
  for (const auto& value : values) {
    if (value.first[0] != 'x') only_w.push_back(value);
  }
  return bitflip_linear(w, {}, only_w)->forward(at::eye(w.size(1)).unsqueeze(0), context)[0].t();
}

TEST(BitFlipLinear, GradientsAreThoseOfTheFlippedProduct) {
  for (const Values& values : {kFrequent, kRare}) {
    at::Tensor w = parameter({48, 64}, 2), b = parameter({48}, 3);
    at::Tensor x = (normal({3, 40, 64}, 1) * 8).set_requires_grad(true);
    const at::Tensor w_before = w.detach().clone(), x_before = x.detach().clone();
    auto layer = bitflip_linear(w, b, values);
    const at::Tensor y = layer->forward(x, training(3, 1));
    EXPECT_TRUE(at::equal(w.detach(), w_before));  // undone
    EXPECT_TRUE(at::equal(x.detach(), x_before));
    const at::Tensor x_seen = flipped_x(x_before, values, training(3, 1));
    const at::Tensor w_seen = flipped_w(w_before, values, training(3, 1));
    EXPECT_FALSE(at::equal(x_seen, x_before));
    EXPECT_FALSE(at::equal(w_seen, w_before));
    EXPECT_TRUE(at::allclose(y, at::linear(x_seen, w_seen, b.detach()), 1e-5, 1e-4));

    const at::Tensor g = normal({3, 40, 48}, 9);
    y.backward(g);
    EXPECT_TRUE(at::equal(w.detach(), w_before));
    EXPECT_TRUE(at::equal(x.detach(), x_before));
    // A value was zeroed where it became 0 and its like without a threshold did not.
    const at::Tensor keep_x = at::logical_or(x_seen.ne(0), x_before.eq(0));
    const at::Tensor keep_w = at::logical_or(w_seen.ne(0), w_before.eq(0));
    EXPECT_GT(keep_x.logical_not().sum().item<int>(), 0);
    EXPECT_GT(keep_w.logical_not().sum().item<int>(), 0);
    const at::Tensor rows = g.reshape({-1, 48});
    const at::Tensor dx = at::matmul(g, w_seen) * keep_x;
    const at::Tensor dw = at::mm(rows.t(), x_seen.reshape({-1, 64})) * keep_w;
    EXPECT_TRUE(at::allclose(x.grad(), dx, 1e-5, 1e-4));
    EXPECT_TRUE(at::allclose(w.grad(), dw, 1e-5, 1e-3));
    EXPECT_TRUE(at::equal(x.grad().eq(0), dx.eq(0)));
    EXPECT_TRUE(at::allclose(b.grad(), rows.sum(0), 1e-5, 1e-4));
  }
}

TEST(BitFlipLinear, WithoutAnythingToDoItIsThePlainLayerBitForBit) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    at::Tensor w = parameter({16, 32}, 2), b = parameter({16}, 3);
    at::Tensor x = normal({2, 9, 32}, 1).to(dtype).set_requires_grad(true);
    auto layer = bitflip_linear(w, b, {{"x_seed_exp", std::int64_t{5}}});
    EXPECT_TRUE(layer->computes_plainly());
    EXPECT_TRUE(layer->is_transformed());
    PlainLinear plain("plain", w.detach().clone().set_requires_grad(true),
                      b.detach().clone().set_requires_grad(true));
    at::Tensor x2 = x.detach().clone().set_requires_grad(true);
    const at::Tensor y = layer->forward(x, training(0, 0, dtype));
    const at::Tensor y2 = plain.forward(x2, training(0, 0, dtype));
    EXPECT_TRUE(at::equal(y, y2));
    y.sum().backward();
    y2.sum().backward();
    EXPECT_TRUE(at::equal(x.grad(), x2.grad()));
    EXPECT_TRUE(at::equal(w.grad(), plain.weight().grad()));
  }
}

TEST(BitFlipLinear, ASplitBatchAndARepetitionGiveTheSameBits) {
  auto layer = bitflip_linear(normal({16, 32}, 2, 0.3), normal({16}, 3), kFrequent);
  const at::Tensor x = normal({6, 9, 32}, 1);
  const at::Tensor whole = layer->forward(x, training(4, 1));
  ForwardContext second = training(4, 1);
  second.first_sequence = 2;
  EXPECT_TRUE(at::equal(whole.narrow(0, 2, 4), layer->forward(x.narrow(0, 2, 4), second)));
  ForwardContext again = training(4, 1);
  again.recompute = true;
  EXPECT_TRUE(at::equal(whole, layer->forward(x, again)));
}

TEST(BitFlipLinear, FlipsDifferByStepMicroStepLayerSeedRunAndPhase) {
  const at::Tensor x = normal({2, 50, 32}, 1);
  const at::Tensor w = normal({16, 32}, 2, 0.3);
  const auto output = [&](const Values& values, const ForwardContext& context,
                          const std::string& name = kName, std::uint64_t run = 42) {
    return bitflip_linear(w, {}, values, name, run)->forward(x, context);
  };
  const at::Tensor base = output(kFrequent, training(1, 1));
  EXPECT_TRUE(at::equal(base, output(kFrequent, training(1, 1))));
  EXPECT_FALSE(at::equal(base, output(kFrequent, training(2, 1))));
  EXPECT_FALSE(at::equal(base, output(kFrequent, training(1, 2))));
  EXPECT_FALSE(at::equal(base, output(kFrequent, training(1, 1), "lm_head")));
  EXPECT_FALSE(at::equal(base, output(kFrequent, training(1, 1), kName, 43)));
  ForwardContext evaluation = training(1, 1);
  evaluation.phase = Phase::evaluate;
  EXPECT_FALSE(at::equal(base, output(kFrequent, evaluation)));
  for (const char* seed : {"x_seed_exp", "x_seed_frac", "w_seed_exp", "w_seed_frac"}) {
    EXPECT_FALSE(at::equal(base, output(with(kFrequent, seed, std::int64_t{1}), training(1, 1))));
  }
}

TEST(BitFlipLinear, WeightsAreRedrawnAsOftenAsAsked) {
  const at::Tensor w = normal({64, 64}, 2, 0.3);
  const auto seen = [&](const char* redraw, const ForwardContext& context) {
    return flipped_w(w, {{"w_p_frac", 0x1p-5}, {"w_redraw", std::string(redraw)}}, context);
  };
  ForwardContext evaluation;
  evaluation.step = 7;
  EXPECT_FALSE(at::equal(seen("forward", training(0, 0)), seen("forward", training(0, 1))));
  EXPECT_TRUE(at::equal(seen("step", training(0, 0)), seen("step", training(0, 1))));
  EXPECT_FALSE(at::equal(seen("step", training(0, 0)), seen("step", training(1, 0))));
  EXPECT_TRUE(at::equal(seen("run", training(0, 0)), seen("run", training(9, 2))));
  EXPECT_TRUE(at::equal(seen("run", training(0, 0)), seen("run", evaluation)));
}

TEST(BitFlipLinear, ThresholdsCatchWhatIsLargeAndWhatIsNoNumber) {
  const float inf = std::numeric_limits<float>::infinity();
  const at::Tensor x = at::tensor({29.0f, 31.0f, 30.0f, -31.0f, inf, -inf, NAN, 0.5f}).unsqueeze(0);
  const at::Tensor expected = at::tensor({29.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.5f});
  EXPECT_TRUE(at::equal(flipped_x(x, {{"x_p_frac", unset}, {"x_zero_out_t", 30.0}}, training())[0],
                        expected));
  at::Tensor w = at::eye(8).set_requires_grad(true);
  at::Tensor x_in = x.clone().set_requires_grad(true);
  bitflip_linear(w, {}, {{"x_zero_out_t", 30.0}})->forward(x_in, training()).sum().backward();
  EXPECT_TRUE(
      at::equal(x_in.grad()[0], at::tensor({1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 1.0f})));
}

TEST(BitFlipLinear, StorageFormatDecidesTheFlipsWhateverTheComputeDtype) {
  const at::Tensor x = normal({2, 60, 32}, 1).to(at::kBFloat16);
  const Values stored =
      with(with(kFrequent, "storage_dtype", std::string("bf16")), "x_seed_exp", std::int64_t{3});
  const at::Tensor wide = flipped_x(x.to(at::kFloat), stored, training());
  const at::Tensor narrow = flipped_x(x, stored, training(0, 0, at::kBFloat16));
  EXPECT_TRUE(at::equal(wide, narrow.to(at::kFloat)));
  const at::Tensor in_fp32 = flipped_x(x.to(at::kFloat), kFrequent, training());
  EXPECT_FALSE(at::equal(wide, in_fp32));
}

TEST(BitFlipLinear, BFloat16TrainsWithExplicitCasts) {
  at::Tensor w = parameter({16, 32}, 2), b = parameter({16}, 3);
  for (int step = 0; step < 2; ++step) {
    at::Tensor x = normal({2, 9, 32}, 1).to(at::kBFloat16).set_requires_grad(true);
    const at::Tensor y = bitflip_linear(w, b, kRare)->forward(x, training(step, 0, at::kBFloat16));
    EXPECT_EQ(y.scalar_type(), at::kBFloat16);
    y.to(at::kFloat).pow(2).sum().backward();
    EXPECT_EQ(x.grad().scalar_type(), at::kBFloat16);
    EXPECT_EQ(w.grad().scalar_type(), at::kFloat);
    EXPECT_TRUE(at::isfinite(w.grad()).all().item<bool>());
  }
}

TEST(BitFlipLinear, SchedulesTakeEffectStepByStep) {
  const at::Tensor x = normal({2, 60, 32}, 1);
  ParamSchedule ramp{.from = 0x1p-3, .to = 0x1p-7, .steps = 8};
  const Values scheduled{{"x_p_frac", ramp}};
  for (const std::int64_t step : {0, 8, 20}) {
    const double p = step == 0 ? 0x1p-3 : 0x1p-7;
    EXPECT_TRUE(at::equal(flipped_x(x, scheduled, training(step)),
                          flipped_x(x, {{"x_p_frac", p}}, training(step))));
  }
}

TEST(BitFlipLinear, StatisticsCountWhatHappened) {
  auto layer = bitflip_linear(normal({64, 64}, 2, 0.3), {}, {{"x_p_frac", 0x1p-6}});
  ForwardContext context = training();
  layer->forward(normal({4, 100, 64}, 1), context);
  EXPECT_TRUE(layer->statistics().empty());
  context.measure = true;
  layer->forward(normal({4, 100, 64}, 1), context);
  const auto measured = layer->statistics();
  ASSERT_EQ(measured.size(), 4u);
  EXPECT_EQ(measured[1].name, "x_fraction_flips");
  const double expected = 4 * 100 * 64 * 23 / 64.0;
  EXPECT_NEAR(measured[1].value.item<double>(), expected, 5 * std::sqrt(expected));
  EXPECT_EQ(measured[0].value.item<int>(), 0);
}

TEST(BitFlipLinear, ReferenceSemanticsAdvanceTheSeedsAndRepeatInAllLayers) {
  const Values values{{"x_p_exp", 0.5}, {"x_p_frac", 0.5}, {"semantics", std::string("reference")}};
  const at::Tensor one = at::ones({1, 1, 1});
  auto layer = bitflip_linear(at::eye(1), {}, values);
  auto other = bitflip_linear(at::eye(1), {}, values, "lm_head");
  const float first = layer->forward(one, training()).item<float>();
  EXPECT_EQ(first, 5907790329544704.0f);  // 0x59a7e8d5, the table's first word
  EXPECT_EQ(first, other->forward(one, training(5)).item<float>());
  const float second = layer->forward(one, training()).item<float>();
  EXPECT_NE(first, second);
  const Values next =
      with(with(values, "x_seed_exp", std::int64_t{1}), "x_seed_frac", std::int64_t{1});
  EXPECT_EQ(second, bitflip_linear(at::eye(1), {}, next)->forward(one, training()).item<float>());
}

TEST(BitFlipLinear, ReferenceSeedsAdvanceByWhatEachForwardPassDrew) {
  const std::string reference = "reference";
  ParamSchedule ramp{.from = 0x1p-5, .to = 0x1p-1, .steps = 1};  // two seeds at step 0, then one
  auto layer = bitflip_linear(at::eye(32), {}, {{"x_p_frac", ramp}, {"semantics", reference}});
  const at::Tensor x = normal({2, 60, 32}, 1);
  std::int64_t seed = 0;
  for (const std::int64_t step : {0, 0, 1, 2}) {
    const Values fixed{
        {"x_p_frac", step == 0 ? 0x1p-5 : 0x1p-1}, {"x_seed_frac", seed}, {"semantics", reference}};
    EXPECT_TRUE(at::equal(layer->forward(x, training(step)),
                          bitflip_linear(at::eye(32), {}, fixed)->forward(x, training())))
        << step;
    seed += step == 0 ? 2 : 1;
  }
}

TEST(BitFlipLinear, ViewsEmptyBatchesAndMismatchesAreDefined) {
  at::Tensor w = parameter({16, 32}, 2);
  auto layer = bitflip_linear(w, {}, kRare);
  const at::Tensor wide = normal({2, 9, 64}, 1);
  for (const at::Tensor& view : {wide.narrow(2, 3, 32), normal({32, 9, 2}, 4).permute({2, 1, 0}),
                                 normal({1, 1, 32}, 6).expand({3, 2, 32})}) {
    EXPECT_TRUE(
        at::equal(layer->forward(view, training()), layer->forward(view.contiguous(), training())));
  }
  EXPECT_EQ(layer->forward(at::empty({0, 5, 32}), training()).sizes(),
            (std::vector<std::int64_t>{0, 5, 16}));
  EXPECT_THROW(layer->forward(normal({1, 3, 9}, 1), training()), Error);
  EXPECT_THROW(
      layer->forward(at::empty({1, 3, 32}, at::TensorOptions().device(at::kMeta)), training()),
      Error);
}

}  // namespace
