// SPDX-License-Identifier: GPL-3.0-or-later
// Layers over one input, computed together, are those layers.
#include "engine/model/linear_layer.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_info.h"
#include "tests/support/needs_cuda.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace engine {
namespace {

constexpr std::int64_t kRows = 300, kIn = 96;

class FlippedGroupOnCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_CUDA();
    at::manual_seed(5);
    x_ = at::randn({2, kRows / 2, kIn}, at::kCUDA).to(at::kBFloat16);
    context_.phase = Phase::train;
    context_.step = 5;
    context_.compute_dtype = at::kBFloat16;
  }

  void add_layer(std::int64_t outputs, const ParamValues& values) {
    const at::Tensor weight = at::randn({outputs, kIn}, at::kCUDA).mul_(0.3).requires_grad_();
    layers_.push_back(
        layer_on(x_.device(), "layer" + std::to_string(layers_.size()), weight, values));
  }

  static std::unique_ptr<LinearLayer> layer_on(at::Device device, const std::string& name,
                                               const at::Tensor& weight,
                                               const ParamValues& values) {
    const auto infos = paradigm_infos();
    const ParamValues effective = find_paradigm(infos, "random_bitflip")->schema.effective(values);
    for (const auto& paradigm : all_paradigms()) {
      if (paradigm->id() != "random_bitflip") continue;
      return paradigm->replace(std::make_unique<PlainLinear>(name, weight.to(device), at::Tensor()),
                               effective, {.run_seed = 42, .device = device});
    }
    return nullptr;
  }

  static LayerInput own(const at::Tensor& x) {
    LayerInput input(x);
    input.is_own = true;
    return input;
  }

  static void expect_close(const at::Tensor& actual, const at::Tensor& expected) {
    const at::Tensor wide = expected.to(at::kFloat);
    EXPECT_LT((actual.to(at::kFloat) - wide).abs().max().item<float>(),
              0.01f * wide.abs().max().item<float>());
  }

  /// Each layer by itself on the same x, then all of them on a copy, which they may change.
  void expect_together_as_alone() {
    std::vector<LinearLayer*> all;
    std::vector<at::Tensor> outputs, output_gradients, weight_gradients;
    at::Tensor dx = at::zeros({2, kRows / 2, kIn}, x_.options().dtype(at::kFloat));
    for (const auto& layer : layers_) {
      all.push_back(layer.get());
      const at::Tensor x = x_.clone().requires_grad_();
      const at::Tensor y = layer->forward(x, context_);
      EXPECT_TRUE(at::equal(x, x_)) << "a layer alone leaves its input as it was";
      output_gradients.push_back(at::randn(y.sizes(), y.options()));
      y.backward(output_gradients.back());
      outputs.push_back(y.detach());
      weight_gradients.push_back(layer->weight().grad());
      dx += x.grad();
    }
    const at::Tensor x = x_.clone();
    const JointOutput joint = layers_[0]->joint_product(all, own(x), context_);
    ASSERT_TRUE(joint.gradient);
    expect_close(joint.take_values(), at::cat(outputs, -1).view({kRows, -1}));
    const auto gradients =
        joint.gradient->gradients(x, at::cat(output_gradients, -1).view({kRows, -1}));
    ASSERT_EQ(gradients.size(), layers_.size() + 1);
    expect_close(gradients[0], dx);
    EXPECT_EQ(gradients[0].sizes(), x_.sizes());
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      expect_close(gradients[i + 1], weight_gradients[i]);
      EXPECT_TRUE(at::equal(gradients[i + 1] == 0, weight_gradients[i] == 0)) << i;
    }
  }

  /// Of both operands. One value of x in 80 reaches 2.5.
  static ParamValues flips(double threshold) {
    ParamValues values;
    for (const char* name : {"x_p_exp", "x_p_frac", "w_p_exp", "w_p_frac"})
      values.set(name, 0x1p-13);
    values.set("x_zero_out_t", threshold);
    values.set("w_zero_out_t", 1.25);
    return values;
  }

  at::Tensor x_;
  ForwardContext context_;
  std::vector<std::unique_ptr<LinearLayer>> layers_;
};

TEST_F(FlippedGroupOnCuda, LayersOfDifferentSizes) {
  for (const std::int64_t outputs : {96, 32, 32}) add_layer(outputs, flips(2.5));
  expect_together_as_alone();
}

TEST_F(FlippedGroupOnCuda, OfAnInputThatOthersReadLayersComputeOneByOne) {
  for (int i = 0; i < 2; ++i) add_layer(72, flips(2.5));
  const std::vector<LinearLayer*> all = {layers_[0].get(), layers_[1].get()};
  EXPECT_FALSE(layers_[0]->joint_product(all, x_, context_).is_made());
  const at::Tensor before = x_.clone();
  EXPECT_TRUE(layers_[0]->joint_product(std::span(all).first(1), x_, context_).is_made());
  EXPECT_TRUE(at::equal(x_, before));
}

// The counts of every layer, alone and on the CPU, are those of a group, whose results they leave
// as they are.
TEST_F(FlippedGroupOnCuda, AGroupCountsItsFlips) {
  for (const std::int64_t outputs : {96, 32, 32}) add_layer(outputs, flips(2.5));
  const std::vector<LinearLayer*> all = {layers_[0].get(), layers_[1].get(), layers_[2].get()};
  const at::Tensor x = x_.clone();
  const at::Tensor expected = layers_[0]->joint_product(all, own(x), context_).take_values();
  ForwardContext measuring = context_;
  measuring.measure = true;
  const at::Tensor again = x_.clone();
  const JointOutput measured = layers_[0]->joint_product(all, own(again), measuring);
  ASSERT_TRUE(measured.gradient);
  EXPECT_TRUE(at::equal(measured.take_values(), expected));
  EXPECT_TRUE(at::equal(again, x));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto on_cpu = layer_on(at::kCPU, layers_[i]->name(), layers_[i]->weight(), flips(2.5));
    on_cpu->forward(x_.cpu(), measuring);
    const auto actual = layers_[i]->statistics(), wanted = on_cpu->statistics();
    ASSERT_EQ(wanted.size(), 8u);
    ASSERT_EQ(actual.size(), wanted.size());
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      EXPECT_EQ(actual[j].name, wanted[j].name);
      EXPECT_EQ(actual[j].value.item<std::int64_t>(), wanted[j].value.item<std::int64_t>())
          << layers_[i]->name() << " " << wanted[j].name;
    }
    EXPECT_GT(actual[1].value.item<std::int64_t>(), 0);
    EXPECT_GT(actual[2].value.item<std::int64_t>(), 0);
  }
}

TEST_F(FlippedGroupOnCuda, LayersAlike) {
  for (int i = 0; i < 2; ++i) add_layer(72, flips(2.5));
  expect_together_as_alone();
}

TEST_F(FlippedGroupOnCuda, WeightsAlone) {
  for (const std::int64_t outputs : {96, 32, 32}) {
    ParamValues values;
    values.set("w_p_exp", 0x1p-13);
    values.set("w_zero_out_t", 1.25);
    add_layer(outputs, values);
  }
  expect_together_as_alone();
}

// From the second pass on the weights of all groups are flipped before the first layer computes.
TEST_F(FlippedGroupOnCuda, WeightsFlippedAtTheBeginOfAPassAreTheSame) {
  for (const std::int64_t outputs : {96, 32, 32, 48, 48}) add_layer(outputs, flips(2.5));
  std::vector<LinearLayer*> all;
  for (const auto& layer : layers_) all.push_back(layer.get());
  const std::span three = std::span(all).first(3), two = std::span(all).last(2);
  const auto pass = [&](bool begins, std::int64_t step) {
    context_.step = step;
    if (begins) {
      for (LinearLayer* layer : all) layer->begin_pass(all, context_);
    }
    return at::cat({three[0]->joint_product(three, own(x_.clone()), context_).take_values(),
                    two[0]->joint_product(two, own(x_.clone()), context_).take_values()},
                   1);
  };
  const at::Tensor fifth = pass(false, 5), sixth = pass(false, 6);
  EXPECT_FALSE(at::equal(fifth, sixth));
  EXPECT_TRUE(at::equal(pass(true, 5), fifth));
  EXPECT_TRUE(at::equal(pass(true, 6), sixth));
  // A pass that was begun and not made leaves nothing to another one.
  context_.step = 5;
  all[0]->begin_pass(all, context_);
  EXPECT_TRUE(at::equal(pass(false, 6), sixth));
}

TEST_F(FlippedGroupOnCuda, SwigluIsMadeOfTheSameGatesAndUps) {
  for (int i = 0; i < 2; ++i) add_layer(72, flips(2.5));
  const std::vector<LinearLayer*> all = {layers_[0].get(), layers_[1].get()};
  const auto joint = [&] { return layers_[0]->joint_product(all, own(x_.clone()), context_); };
  const at::Tensor outputs = joint().take_values();
  constexpr int kMost = std::numeric_limits<int>::max();
  const at::Tensor range = at::tensor({kMost, -kMost - 1, 0}, at::kInt).to(at::kCUDA);
  const auto gated = joint().raw->swiglu({range});
  ASSERT_TRUE(gated);
  EXPECT_TRUE(at::equal(gated->kept.at(0), outputs));
  const at::Tensor wide = outputs.to(at::kFloat);
  expect_close(gated->y, at::silu(wide.narrow(1, 0, 72)) * wide.narrow(1, 72, 72));
  const at::Tensor greatest = gated->y.max().to(at::kFloat).cpu();
  EXPECT_EQ(range.cpu()[1].item<int>(), greatest.view(at::kInt).item<int>());
}

TEST_F(FlippedGroupOnCuda, AThresholdThatNothingReaches) {
  for (int i = 0; i < 2; ++i) add_layer(72, flips(30));
  expect_together_as_alone();
}

// Values that a flip could cancel would be lost in a shared product's rounding: layers take turns.
TEST_F(FlippedGroupOnCuda, WithoutAThreshold) {
  for (const std::int64_t outputs : {96, 32, 32}) {
    ParamValues values;
    values.set("x_p_frac", 0x1p-13);
    add_layer(outputs, values);
  }
  expect_together_as_alone();
}

TEST_F(FlippedGroupOnCuda, AThresholdForFlippedValuesAlone) {
  for (const std::int64_t outputs : {96, 32, 32}) {
    ParamValues values = flips(2.5);
    values.set("zero_out_scope", std::string("flipped"));
    add_layer(outputs, values);
  }
  expect_together_as_alone();
}

}  // namespace
}  // namespace engine
