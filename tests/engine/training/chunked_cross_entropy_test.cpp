// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/chunked_cross_entropy.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

struct Problem {
  at::Tensor hidden;
  at::Tensor weight;
  at::Tensor labels;
};

Problem make_problem(std::int64_t tokens, std::int64_t vocabulary) {
  at::manual_seed(3);
  Problem problem{at::randn({tokens, 16}), at::randn({vocabulary, 16}),
                  at::randint(vocabulary, {tokens}, at::kLong)};
  problem.hidden.set_requires_grad(true);
  problem.weight.set_requires_grad(true);
  return problem;
}

double relative_error(const at::Tensor& value, const at::Tensor& expected) {
  return ((value - expected).norm() / expected.norm()).item<double>();
}

TEST(ChunkedCrossEntropy, EqualsPlainAutogradForAnyChunk) {
  for (const std::int64_t chunk : {0, 1, 7, 24, 50, 64}) {
    SCOPED_TRACE(chunk);
    Problem plain = make_problem(50, 301);
    Problem chunked = make_problem(50, 301);
    const at::Tensor expected =
        at::cross_entropy_loss(at::linear(plain.hidden, plain.weight), plain.labels).mul(2.5);
    expected.backward();
    const TokenLoss loss =
        chunked_cross_entropy(chunked.hidden, chunked.weight, chunked.labels, 2.5 / 50,
                              /*count_correct=*/false, chunk);
    loss.loss.backward();
    EXPECT_NEAR(loss.loss.item<double>(), expected.item<double>(), 1e-5 * expected.item<double>());
    EXPECT_LT(relative_error(chunked.hidden.grad(), plain.hidden.grad()), 1e-5);
    EXPECT_LT(relative_error(chunked.weight.grad(), plain.weight.grad()), 1e-5);
    EXPECT_EQ(loss.tokens, 50);
  }
}

TEST(ChunkedCrossEntropy, FollowsAnOuterFactor) {
  Problem once = make_problem(20, 64);
  Problem scaled = make_problem(20, 64);
  chunked_cross_entropy(once.hidden, once.weight, once.labels, 0.1, false).loss.backward();
  chunked_cross_entropy(scaled.hidden, scaled.weight, scaled.labels, 0.1, false)
      .loss.mul(3)
      .backward();
  EXPECT_LT(relative_error(scaled.hidden.grad(), once.hidden.grad().mul(3)), 1e-6);
  EXPECT_LT(relative_error(scaled.weight.grad(), once.weight.grad().mul(3)), 1e-6);
}

TEST(ChunkedCrossEntropy, LogitsGivenWholeAgree) {
  Problem problem = make_problem(48, 97);
  Problem whole = make_problem(48, 97);
  const at::Tensor labels = problem.labels.view({4, 12});
  const TokenLoss chunked =
      chunked_cross_entropy(problem.hidden, problem.weight, problem.labels, 1, true);
  chunked.loss.backward();
  // One position more per row, which predicts nothing.
  const at::Tensor rows = at::cat({whole.hidden.view({4, 12, 16}), at::randn({4, 1, 16})}, 1);
  const TokenLoss given = cross_entropy_of_logits(at::linear(rows, whole.weight), labels, 1, true);
  given.loss.backward();
  EXPECT_NEAR(given.loss.item<double>(), chunked.loss.item<double>(), 1e-4);
  EXPECT_EQ(given.correct.item<std::int64_t>(), chunked.correct.item<std::int64_t>());
  EXPECT_EQ(given.tokens, chunked.tokens);
  EXPECT_LT(relative_error(whole.hidden.grad(), problem.hidden.grad()), 1e-5);
  EXPECT_LT(relative_error(whole.weight.grad(), problem.weight.grad()), 1e-5);
}

TEST(ChunkedCrossEntropy, CountsTheArgmax) {
  const at::NoGradGuard no_grad;
  Problem problem = make_problem(50, 33);
  const at::Tensor logits = at::linear(problem.hidden, problem.weight);
  problem.labels.slice(0, 0, 30).copy_(logits.argmax(1).slice(0, 0, 30));
  const auto expected = logits.argmax(1).eq(problem.labels).sum().item<std::int64_t>();
  const TokenLoss loss =
      chunked_cross_entropy(problem.hidden, problem.weight, problem.labels, 1, true, 16);
  EXPECT_GE(expected, 30);
  EXPECT_EQ(loss.correct.item<std::int64_t>(), expected);
}

TEST(ChunkedCrossEntropy, LargeLogitsDoNotOverflow) {
  Problem problem = make_problem(10, 40);
  const TokenLoss loss = chunked_cross_entropy(problem.hidden.detach().mul(1e4), problem.weight,
                                               problem.labels, 0.1, false);
  EXPECT_TRUE(std::isfinite(loss.loss.item<double>()));
  loss.loss.backward();
  EXPECT_TRUE(problem.weight.grad().isfinite().all().item<bool>());
}

TEST(ChunkedCrossEntropy, AsksBetweenChunksAndEndsWhenTold) {
  const at::Tensor hidden = at::randn({256, 8});
  const at::Tensor weight = at::randn({11, 8});
  const at::Tensor labels = at::randint(0, 11, {256}, at::kLong);
  int asked = 0;
  const auto loss = [&](int most) {
    asked = 0;
    return chunked_cross_entropy(hidden, weight, labels, 1.0, false, /*chunk_tokens=*/64, [&] {
      if (++asked > most) throw std::runtime_error("enough");
    });
  };
  EXPECT_EQ(loss(100).loss.item<float>(),
            chunked_cross_entropy(hidden, weight, labels, 1.0, false, 64).loss.item<float>());
  EXPECT_EQ(asked, 4);
  EXPECT_THROW(loss(2), std::runtime_error);
  EXPECT_EQ(asked, 3);
}

TEST(ChunkedCrossEntropy, WorksInBf16) {
  Problem wide = make_problem(50, 301);
  Problem narrow = make_problem(50, 301);
  chunked_cross_entropy(wide.hidden, wide.weight, wide.labels, 0.02, false).loss.backward();
  const TokenLoss loss = chunked_cross_entropy(narrow.hidden.to(at::kBFloat16), narrow.weight,
                                               narrow.labels, 0.02, false, 16);
  loss.loss.backward();
  EXPECT_EQ(loss.loss.scalar_type(), at::kFloat);
  EXPECT_EQ(narrow.weight.grad().scalar_type(), at::kFloat);
  EXPECT_LT(relative_error(narrow.weight.grad(), wide.weight.grad()), 0.03);
  EXPECT_LT(relative_error(narrow.hidden.grad(), wide.hidden.grad()), 0.03);
}

}  // namespace
}  // namespace engine
