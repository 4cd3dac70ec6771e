// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/llama_swiglu.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(Swiglu, FollowsTheFormulaAndItsGradients) {
  at::manual_seed(5);
  for (const std::int64_t width : {1, 7, 64, 1000}) {
    at::Tensor gate = at::randn({3, width}).mul(6).set_requires_grad(true);
    at::Tensor up = at::randn({3, width}).set_requires_grad(true);
    at::Tensor gate64 = gate.detach().to(at::kDouble).set_requires_grad(true);
    at::Tensor up64 = up.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor y = swiglu(gate, up);
    const at::Tensor expected = gate64 * at::sigmoid(gate64) * up64;
    const at::Tensor g = at::randn(y.sizes());
    y.backward(g);
    expected.backward(g.to(at::kDouble));
    EXPECT_TRUE(y.to(at::kDouble).allclose(expected, 1e-5, 1e-6));
    EXPECT_TRUE(gate.grad().to(at::kDouble).allclose(gate64.grad(), 1e-5, 1e-6));
    EXPECT_TRUE(up.grad().to(at::kDouble).allclose(up64.grad(), 1e-5, 1e-6));
  }
}

TEST(Swiglu, ExtremeGatesStayFinite) {
  at::Tensor gate = at::randn({64});
  gate.fill_(-1e4);
  gate.slice(0, 0, 32).fill_(1e4);
  const at::Tensor y = swiglu(gate, at::ones_like(gate));
  EXPECT_TRUE(y.isfinite().all().item<bool>());
  EXPECT_EQ(y[0].item<float>(), 1e4f);
  EXPECT_NEAR(y[63].item<float>(), 0, 1e-6);
}

TEST(Swiglu, Bf16Works) {
  at::manual_seed(5);
  at::Tensor gate = at::randn({4, 32}).to(at::kBFloat16).set_requires_grad(true);
  const at::Tensor up = at::randn({4, 32}).to(at::kBFloat16);
  const at::Tensor y = swiglu(gate, up);
  EXPECT_TRUE(
      y.to(at::kFloat).allclose(swiglu(gate.to(at::kFloat), up.to(at::kFloat)), 0.02, 0.02));
  y.sum().backward();
  EXPECT_EQ(gate.grad().scalar_type(), at::kBFloat16);
}

}  // namespace
}  // namespace engine
