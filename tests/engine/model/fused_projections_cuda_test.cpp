// SPDX-License-Identifier: GPL-3.0-or-later
// One product for several layers is those layers, within a rounding to 16 bits.
#include "engine/model/fused_projections.h"
#include "engine/model/llama_swiglu.h"
#include "tests/support/needs_cuda.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace engine {
namespace {

constexpr std::int64_t kHidden = 48;

class FusedProjectionsOnCuda : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_CUDA();
    at::manual_seed(3);
    x_ = at::randn({2, 7, kHidden}, at::kCUDA).to(at::kBFloat16).set_requires_grad(true);
  }

  PlainLinear layer(std::int64_t out) {
    const at::Tensor weight = at::randn({out, kHidden}, at::kCUDA).mul_(0.2);
    at::Tensor bias;
    if (GetParam()) bias = at::randn({out}, at::kCUDA).set_requires_grad(true);
    // Values that 16 bits hold, so that both sides compute with the same.
    return PlainLinear("layer", weight.to(at::kBFloat16).to(at::kFloat).set_requires_grad(true),
                       bias.defined()
                           ? bias.detach().to(at::kBFloat16).to(at::kFloat).set_requires_grad(true)
                           : bias);
  }

  /// The layer in fp32, on tensors of its own.
  struct Twin {
    at::Tensor weight, bias;
    explicit Twin(const PlainLinear& of)
        : weight(of.weight().detach().clone().set_requires_grad(true)),
          bias(of.bias().defined() ? of.bias().detach().clone().set_requires_grad(true)
                                   : at::Tensor()) {}
    at::Tensor operator()(const at::Tensor& x) const {
      return at::linear(x, weight, bias.defined() ? std::optional(bias) : std::nullopt);
    }
  };

  static void expect_close(const at::Tensor& actual, const at::Tensor& expected, const char* what) {
    const at::Tensor difference = (actual.to(at::kFloat) - expected).abs().max();
    EXPECT_LT(difference.item<float>(), 0.015f * expected.abs().max().item<float>()) << what;
  }

  static void expect_same_gradients(const PlainLinear& layer, const Twin& twin) {
    EXPECT_EQ(layer.weight().grad().scalar_type(), at::kFloat);
    expect_close(layer.weight().grad(), twin.weight.grad(), "weight");
    if (twin.bias.defined()) expect_close(layer.bias().grad(), twin.bias.grad(), "bias");
  }

  at::Tensor x_;
};

TEST_P(FusedProjectionsOnCuda, QkvIsThreeLayersAndTheRotation) {
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 16};
  PlainLinear q = layer(64), k = layer(32), v = layer(32);
  const Twin q_twin(q), k_twin(k), v_twin(v);
  const RotaryTables tables =
      rotary_tables({1.0f, 0.5f, 0.3f, 0.2f, 0.1f, 0.05f, 0.02f, 0.01f}, 9, at::kCUDA);
  const auto product = joint_product({&q, &k, &v}, x_, {});
  ASSERT_TRUE(product);
  const QkvHeads heads = fused_qkv(*product, x_, q, k, v, shape, tables);
  const at::Tensor wide = x_.detach().to(at::kFloat).set_requires_grad(true);
  const at::Tensor expected_q = apply_rotary(q_twin(wide).view({2, 7, 4, 16}), tables);
  const at::Tensor expected_k = apply_rotary(k_twin(wide).view({2, 7, 2, 16}), tables);
  const at::Tensor expected_v = v_twin(wide).view({2, 7, 2, 16});
  expect_close(heads.q, expected_q, "q");
  expect_close(heads.k, expected_k, "k");
  expect_close(heads.v, expected_v, "v");

  const auto weighted = [](const at::Tensor& of, double by) {
    return (of.transpose(1, 2).to(at::kFloat).square() * by).sum();
  };
  (weighted(heads.q, 1) + weighted(heads.k, 2) + weighted(heads.v, 3)).backward();
  (weighted(expected_q, 1) + weighted(expected_k, 2) + weighted(expected_v, 3)).backward();
  expect_close(x_.grad(), wide.grad(), "x");
  expect_same_gradients(q, q_twin);
  expect_same_gradients(k, k_twin);
  expect_same_gradients(v, v_twin);
}

TEST_P(FusedProjectionsOnCuda, SwigluIsTwoLayersAndTheirProduct) {
  const PlainLinear gate = layer(40), up = layer(40);
  const Twin gate_twin(gate), up_twin(up);
  const at::Tensor y = fused_swiglu({}, x_, gate, up).x;
  const at::Tensor wide = x_.detach().to(at::kFloat).set_requires_grad(true);
  const at::Tensor expected = swiglu(gate_twin(wide), up_twin(wide));
  expect_close(y, expected, "y");
  y.to(at::kFloat).square().sum().backward();
  expected.square().sum().backward();
  expect_close(x_.grad(), wide.grad(), "x");
  expect_same_gradients(gate, gate_twin);
  expect_same_gradients(up, up_twin);
}

TEST_P(FusedProjectionsOnCuda, ALayerAloneIsItself) {
  const PlainLinear only = layer(24);
  const Twin twin(only);
  const at::Tensor y = fused_linear({}, x_, only);
  const at::Tensor wide = x_.detach().to(at::kFloat).set_requires_grad(true);
  const at::Tensor expected = twin(wide);
  expect_close(y, expected, "y");
  y.to(at::kFloat).square().sum().backward();
  expected.square().sum().backward();
  expect_close(x_.grad(), wide.grad(), "x");
  expect_same_gradients(only, twin);
}

TEST_P(FusedProjectionsOnCuda, TakesAGradientThatIsOneNumberSpreadOut) {
  const PlainLinear only = layer(24);
  const Twin twin(only);
  const at::Tensor wide = x_.detach().to(at::kFloat).set_requires_grad(true);
  fused_linear({}, x_, only).sum().backward();
  twin(wide).sum().backward();
  expect_close(x_.grad(), wide.grad(), "x");
  expect_same_gradients(only, twin);
}

/// A product whose values are known.
class KnownProduct final : public RawProduct {
 public:
  explicit KnownProduct(at::Tensor values) : values_(std::move(values)) {}
  at::Tensor values() override { return values_; }
  bool adds_to_norm() const override { return true; }
  Normed add_rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                      const Extent& /*extent*/) override {
    const at::Tensor sum = x + values_.view(x.sizes());
    const at::Tensor wide = sum.to(at::kFloat);
    const at::Tensor scale = wide.square().mean(-1, true).add(epsilon).rsqrt();
    return {sum, (wide * scale).to(at::kBFloat16) * weight.to(at::kBFloat16), scale};
  }

 private:
  at::Tensor values_;
};

TEST_P(FusedProjectionsOnCuda, AProductReadOutIntoTheNormHasTheGradientsOfOneAfterTheOther) {
  if (GetParam()) GTEST_SKIP() << "only without bias";
  const PlainLinear layer = this->layer(kHidden);
  const at::Tensor values =
      at::linear(x_.detach(), layer.weight().detach().to(at::kBFloat16)).view({-1, kHidden});
  const at::Tensor residual = at::randn({2, 7, kHidden}, at::kCUDA).to(at::kBFloat16);
  const at::Tensor norm_weight = at::randn({kHidden}, at::kCUDA);
  const at::Tensor g = at::randn(residual.sizes(), at::kCUDA), h = at::randn_like(g);
  const auto gradients = [&](bool fused) {
    const auto leaf = [](const at::Tensor& of) {
      return of.detach().clone().set_requires_grad(true);
    };
    const at::Tensor x = leaf(x_), r = leaf(residual), w = leaf(norm_weight);
    const PlainLinear own("layer", leaf(layer.weight()), {});
    const JointProduct known{
        {.values = {}, .raw = c10::make_intrusive<KnownProduct>(values), .gradient = {}}, {}};
    const NormedSum made = fused ? add_rms_norm(r, PendingLinear{known, x, &own}, w, 1e-5, {})
                                 : add_rms_norm(r, fused_linear(known, x, own), w, 1e-5);
    (made.sum.to(at::kFloat) * g + made.normed.x.to(at::kFloat) * h).sum().backward();
    return std::vector<at::Tensor>{x.grad(), own.weight().grad(), r.grad(), w.grad()};
  };
  const auto actual = gradients(true), expected = gradients(false);
  const char* const names[] = {"x", "weight", "residual", "norm"};
  for (std::size_t i = 0; i < actual.size(); ++i) {
    expect_close(actual[i], expected[i].to(at::kFloat), names[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutBias, FusedProjectionsOnCuda, ::testing::Bool());

}  // namespace
}  // namespace engine
