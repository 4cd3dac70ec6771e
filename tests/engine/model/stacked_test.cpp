// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/stacked.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

#include <gtest/gtest.h>

#include <vector>

namespace engine {
namespace {

TEST(Stacked, RowsLieOneBelowTheOtherInOneMemory) {
  const std::vector<at::Tensor> tensors = {at::arange(6, at::kFloat).view({2, 3}),
                                           at::arange(3, at::kFloat).view({1, 3}).add(0.5)};
  const Stacked memory(tensors, at::kBFloat16);
  EXPECT_EQ(memory.all.sizes(), at::IntArrayRef({3, 3}));
  EXPECT_EQ(memory.all.scalar_type(), at::kBFloat16);
  ASSERT_EQ(memory.parts.size(), 2u);
  memory.parts[1].fill_(7);
  EXPECT_EQ(memory.all[2][1].item<float>(), 7);
  EXPECT_EQ(memory.parts[0].sizes(), tensors[0].sizes());

  const at::Tensor copy = stacked_copy(tensors, at::kBFloat16);
  EXPECT_TRUE(at::equal(copy.narrow(0, 0, 2), tensors[0].to(at::kBFloat16)));
  EXPECT_TRUE(at::equal(copy.narrow(0, 2, 1), tensors[1].to(at::kBFloat16)));
}

TEST(Stacked, TakesBiasesAndParametersAndHasNoGradient) {
  const std::vector<at::Tensor> biases = {at::arange(2, at::kFloat).requires_grad_(),
                                          at::arange(3, at::kFloat).requires_grad_()};
  const at::Tensor copy = stacked_copy(biases, at::kHalf);
  EXPECT_EQ(copy.sizes(), at::IntArrayRef({5}));
  EXPECT_EQ(copy[4].item<float>(), 2);
  EXPECT_FALSE(copy.requires_grad());
}

}  // namespace
}  // namespace engine
