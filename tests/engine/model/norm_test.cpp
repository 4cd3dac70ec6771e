// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/norm.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>

#include <gtest/gtest.h>

namespace engine {
namespace {

at::Tensor by_formula(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  return x * (x.square().mean(-1, true) + epsilon).rsqrt() * weight;
}

TEST(RmsNorm, FollowsTheFormulaAndItsGradients) {
  at::manual_seed(4);
  for (const std::int64_t width : {1, 31, 32, 100}) {
    for (const std::int64_t rows : {1, 5, 50}) {
      SCOPED_TRACE(testing::Message() << rows << " x " << width);
      at::Tensor x = at::randn({2, rows, width}).mul(3).set_requires_grad(true);
      at::Tensor weight = at::randn({width}).set_requires_grad(true);
      at::Tensor x64 = x.detach().to(at::kDouble).set_requires_grad(true);
      at::Tensor weight64 = weight.detach().to(at::kDouble).set_requires_grad(true);
      const at::Tensor y = rms_norm(x, weight, 1e-5);
      const at::Tensor expected = by_formula(x64, weight64, 1e-5);
      const at::Tensor g = at::randn(y.sizes());
      y.backward(g);
      expected.backward(g.to(at::kDouble));
      EXPECT_TRUE(y.to(at::kDouble).allclose(expected, 1e-5, 1e-6));
      EXPECT_TRUE(x.grad().to(at::kDouble).allclose(x64.grad(), 1e-4, 1e-5));
      EXPECT_TRUE(weight.grad().to(at::kDouble).allclose(weight64.grad(), 1e-4, 1e-5));
    }
  }
}

TEST(RmsNorm, StridedInputGivesTheSame) {
  at::manual_seed(4);
  const at::Tensor weight = at::randn({24});
  const at::Tensor x = at::randn({6, 24, 5}).transpose(1, 2);
  EXPECT_TRUE(
      rms_norm(x, weight, 1e-6).allclose(rms_norm(x.contiguous(), weight, 1e-6), 1e-5, 1e-6));
}

TEST(RmsNorm, Bf16IsNormalisedInFp32ThenCastThenWeighted) {
  at::manual_seed(4);
  const at::Tensor x = at::randn({5, 64}).to(at::kBFloat16);
  const at::Tensor weight = at::randn({64});
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor normalised =
      (wide * (wide.square().mean(-1, true) + 1e-5).rsqrt()).to(at::kBFloat16);
  EXPECT_TRUE(rms_norm(x, weight, 1e-5).equal(normalised * weight.to(at::kBFloat16)));
}

TEST(AddRmsNorm, IsASumAndItsNormWithTheGradientsOfBoth) {
  at::manual_seed(4);
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const auto leaf = [&](at::IntArrayRef shape) {
      return at::randn(shape).to(type).set_requires_grad(true);
    };
    const at::Tensor x = leaf({2, 5, 33}), delta = leaf({2, 5, 33});
    at::Tensor weight = at::randn({33}).set_requires_grad(true);
    const at::Tensor x64 = x.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor delta64 = delta.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor weight64 = weight.detach().to(at::kDouble).set_requires_grad(true);
    const NormedSum result = add_rms_norm(x, delta, weight, 1e-5);
    const at::Tensor sum = x64 + delta64;
    const at::Tensor normed = by_formula(sum, weight64, 1e-5);
    EXPECT_TRUE(result.sum.to(at::kDouble).allclose(sum, 1e-5, 1e-6));
    EXPECT_TRUE(result.normed.x.to(at::kDouble).allclose(normed, 1e-5, 1e-6));
    const at::Tensor g = at::randn(sum.sizes());
    const at::Tensor h = at::randn(sum.sizes());
    (result.sum * g + result.normed.x * h).sum().backward();
    (sum * g + normed * h).sum().backward();
    EXPECT_TRUE(x.grad().to(at::kDouble).allclose(x64.grad(), 1e-4, 1e-5));
    EXPECT_TRUE(delta.grad().to(at::kDouble).allclose(delta64.grad(), 1e-4, 1e-5));
    EXPECT_TRUE(weight.grad().to(at::kDouble).allclose(weight64.grad(), 1e-4, 1e-5));
  }
}

TEST(AddRmsNorm, EitherUseMayBeAbsent) {
  at::manual_seed(4);
  const at::Tensor weight = at::randn({8}).set_requires_grad(true);
  const at::Tensor x = at::randn({3, 8}).set_requires_grad(true);
  const at::Tensor delta = at::randn({3, 8}).set_requires_grad(true);
  add_rms_norm(x, delta, weight, 1e-5).sum.sum().backward();
  EXPECT_TRUE(x.grad().equal(at::ones_like(x)));
  EXPECT_TRUE(delta.grad().equal(at::ones_like(x)));
  x.mutable_grad().reset();
  add_rms_norm(x, delta, weight, 1e-5).normed.x.sum().backward();
  const at::Tensor sum = (x + delta).detach().set_requires_grad(true);
  by_formula(sum, weight.detach(), 1e-5).sum().backward();
  EXPECT_TRUE(x.grad().allclose(sum.grad(), 1e-4, 1e-5));
}

}  // namespace
}  // namespace engine
