// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/rotary.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

LlamaConfig config_of(std::int64_t head_dim, double theta) {
  LlamaConfig config;
  config.head_dim = head_dim;
  config.rope_theta = theta;
  return config;
}

/// x·cos + rotate_half(x)·sin, written as the formula says.
at::Tensor by_formula(const at::Tensor& x, const RotaryTables& tables) {
  const std::int64_t half = x.size(-1) / 2;
  const at::Tensor cos = at::cat({tables.cos, tables.cos}, -1).slice(0, 0, x.size(1));
  const at::Tensor sin = at::cat({tables.sin, tables.sin}, -1).slice(0, 0, x.size(1));
  const at::Tensor turned = at::cat({x.slice(-1, half).neg(), x.slice(-1, 0, half)}, -1);
  return x * cos + turned * sin;
}

class Rotary : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(2); }
  RotaryTables tables_ = rotary_tables(rotary_frequencies(config_of(16, 10000)), 40, at::kCPU);
};

TEST_F(Rotary, FollowsTheFormulaAndItsGradient) {
  for (const std::int64_t positions : {1, 7, 33, 40}) {
    at::Tensor x = at::randn({3, positions, 5, 16}).set_requires_grad(true);
    at::Tensor same = x.detach().clone().set_requires_grad(true);
    const at::Tensor y = apply_rotary(x, tables_);
    const at::Tensor expected = by_formula(same, tables_);
    EXPECT_TRUE(y.allclose(expected, 1e-5, 1e-6));
    const at::Tensor g = at::randn(y.sizes());
    y.backward(g);
    expected.backward(g);
    EXPECT_TRUE(x.grad().allclose(same.grad(), 1e-5, 1e-6));
  }
}

TEST_F(Rotary, KeepsLengthsAndDependsOnDistanceOnly) {
  const at::Tensor q = at::randn({1, 1, 1, 16}).expand({1, 40, 1, 16});
  const at::Tensor k = at::randn({1, 1, 1, 16}).expand({1, 40, 1, 16});
  const at::Tensor rotated_q = apply_rotary(q, tables_);
  const at::Tensor rotated_k = apply_rotary(k, tables_);
  EXPECT_TRUE(rotated_q.norm(2, -1).allclose(q.norm(2, -1)));
  const auto score = [&](int i, int j) {
    return (rotated_q[0][i][0] * rotated_k[0][j][0]).sum().item<double>();
  };
  EXPECT_NEAR(score(5, 2), score(30, 27), 1e-4);
  EXPECT_GT(std::abs(score(5, 2) - score(5, 4)), 1e-3);
}

TEST_F(Rotary, Bf16IsRotatedInFp32) {
  const at::Tensor x = at::randn({2, 20, 3, 16}).to(at::kBFloat16);
  const at::Tensor y = apply_rotary(x, tables_);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(y.equal(apply_rotary(x.to(at::kFloat), tables_).to(at::kBFloat16)));
}

TEST(RotaryFrequencies, Llama3KeepsShortAndStretchesLongWavelengths) {
  LlamaConfig config = config_of(64, 10000);
  const auto plain = rotary_frequencies(config);
  config.rope_scaling = RopeScaling{.type = "llama3",
                                    .factor = 8,
                                    .low_freq_factor = 1,
                                    .high_freq_factor = 4,
                                    .original_max_position_embeddings = 8192};
  const auto scaled = rotary_frequencies(config);
  int changed = 0;
  int divided = 0;
  for (std::size_t j = 0; j < plain.size(); ++j) {
    changed += scaled[j] != plain[j];
    divided += scaled[j] == plain[j] / 8;
  }
  EXPECT_EQ(changed, 11);
  EXPECT_EQ(divided, 7);
  config.rope_scaling = RopeScaling{.type = "linear", .factor = 4};
  for (std::size_t j = 0; j < plain.size(); ++j)
    EXPECT_EQ(rotary_frequencies(config)[j], plain[j] / 4);
}

}  // namespace
}  // namespace engine
