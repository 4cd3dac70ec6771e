// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/weight_gradient.h"

#include "tests/support/needs_cuda.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>

#include <gtest/gtest.h>

namespace engine {
namespace {

constexpr std::int64_t kMultiprocessors = 132;  // H100, H200

TEST(WeightGradient, ComesInHalvesWhereOneProductLeavesHalfOfTheDeviceIdle) {
  EXPECT_EQ(parts_of_weight_gradient(24576, 1600, 960, kMultiprocessors), 2);
  EXPECT_EQ(parts_of_weight_gradient(24577, 1600, 960, kMultiprocessors), 1) << "odd";
  EXPECT_EQ(parts_of_weight_gradient(24576, 960, 960, kMultiprocessors), 1) << "parted by cuBLAS";
  EXPECT_EQ(parts_of_weight_gradient(24576, 1920, 1152, kMultiprocessors), 1) << "half a wave";
  EXPECT_EQ(parts_of_weight_gradient(24576, 6656, 960, kMultiprocessors), 1) << "fills the device";
}

class WeightGradientOnCuda : public ::testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_CUDA(); }
};

TEST_F(WeightGradientOnCuda, IsTheProductInFp32HoweverItIsParted) {
  at::manual_seed(5);
  for (const std::int64_t rows : {1024, 1023}) {
    for (const std::int64_t out : {1600, 24}) {
      const at::Tensor g = at::randn({rows, out}, at::kCUDA).to(at::kBFloat16);
      const at::Tensor x = at::randn({rows, 960}, at::kCUDA).to(at::kBFloat16);
      const at::Tensor expected = at::matmul(g.to(at::kDouble).t(), x.to(at::kDouble));
      const at::Tensor actual = weight_gradient(g, x);
      EXPECT_EQ(actual.scalar_type(), at::kFloat);
      const at::Tensor error = (actual.to(at::kDouble) - expected).abs().max();
      EXPECT_LT(error.item<double>(), 1e-5 * expected.abs().max().item<double>()) << rows;
    }
  }
}

}  // namespace
}  // namespace engine
