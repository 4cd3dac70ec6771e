// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_attention.h"

#include "engine/error.h"
#include "kernels/noise_key.h"
#include "tests/engine/paradigms/optical_transformer/optical_fixtures.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace {

using namespace engine;
using namespace engine::optical_fixtures;

struct Qkv {
  at::Tensor q, k, v;
};

Qkv inputs(std::int64_t batch, const AttentionShape& shape, std::int64_t queries, std::int64_t keys,
           std::uint64_t seed = 1, double sigma = 1.0) {
  return {normal({batch, shape.heads, queries, shape.head_dim}, seed, sigma),
          normal({batch, shape.kv_heads, keys, shape.head_dim}, seed + 100, sigma),
          normal({batch, shape.kv_heads, keys, shape.head_dim}, seed + 200, sigma)};
}

Qkv with_gradient(const Qkv& x) {
  return {x.q.clone().set_requires_grad(true), x.k.clone().set_requires_grad(true),
          x.v.clone().set_requires_grad(true)};
}

at::Tensor causal_mask(std::int64_t queries, std::int64_t keys) {
  return at::ones({queries, keys}, at::kBool).tril(keys - queries);
}

at::Tensor repeated(const at::Tensor& kv, std::int64_t heads) {
  return kv.repeat_interleave(heads / kv.size(1), 1);
}

struct Expected {
  at::Tensor scores, y;
};

/// The equations in double precision, without noise, ranges from the data at hand.
Expected reference_attention(const Qkv& x, int levels, double floor) {
  const auto quantised = [&](const at::Tensor& t, double lut) {
    const auto [lo, hi] = range_of(t);
    return quantised_double(t, lo, hi, levels, lut);
  };
  const std::int64_t heads = x.q.size(1);
  const at::Tensor k = repeated(quantised(x.k, floor), heads);
  const at::Tensor v = repeated(quantised(x.v, floor), heads);
  const at::Tensor mask = causal_mask(x.q.size(2), x.k.size(2));
  const at::Tensor raw = at::matmul(quantised(x.q, 0), k.transpose(-2, -1));
  const auto [lo, hi] = range_of(raw.masked_select(mask));
  const at::Tensor scores = quantised_double(raw, lo, hi, levels);
  const at::Tensor p = at::softmax((scores / std::sqrt(static_cast<double>(x.q.size(3))))
                                       .masked_fill(mask.logical_not(), -INFINITY),
                                   -1);
  const at::Tensor context = at::matmul(quantised_double(p, 0, 1, levels), v);
  const auto [c_lo, c_hi] = range_of(context);
  const at::Tensor y = quantised_double(context, c_lo, c_hi, levels);
  return {raw, y.transpose(1, 2).reshape({x.q.size(0), x.q.size(2), heads * x.q.size(3)})};
}

at::Tensor plain_attention(const Qkv& x) {
  const std::int64_t heads = x.q.size(1);
  const at::Tensor mask = causal_mask(x.q.size(2), x.k.size(2));
  const at::Tensor raw = at::matmul(x.q, repeated(x.k, heads).transpose(-2, -1));
  const at::Tensor p = at::softmax((raw / std::sqrt(static_cast<double>(x.q.size(3))))
                                       .masked_fill(mask.logical_not(), -INFINITY),
                                   -1);
  return at::matmul(p, repeated(x.v, heads))
      .transpose(1, 2)
      .reshape({x.q.size(0), x.q.size(2), -1});
}

const Values kQuiet = {{"noise", false}};
const Values kExact = {{"q_levels", std::int64_t{65536}}, {"q_lut_min", unset}, {"noise", false}};
const Values kFrozen = {{"mode", std::string("freeze")}};

const AttentionShape kShapes[] = {{4, 4, 16, 0}, {6, 2, 8, 0}, {3, 1, 33, 0}, {2, 2, 1, 0}};

TEST(OpticalAttention, MatchesADoublePrecisionReference) {
  for (const AttentionShape& shape : kShapes) {
    for (const auto& [queries, keys] :
         std::vector<std::pair<int, int>>{{1, 1}, {33, 33}, {100, 100}, {1, 40}, {7, 31}}) {
      const Qkv x = inputs(2, shape, queries, keys);
      const at::Tensor y = optical_attention(shape, kQuiet)->forward(x.q, x.k, x.v, training());
      const Expected expected = reference_attention(x, 256, 0.02004);
      // A score or probability near a tie may fall to the next level: allow few outliers, each
      // small.
      const double lsb = (expected.y.max() - expected.y.min()).item<double>() / 255;
      const at::Tensor error = (y - expected.y).abs();
      EXPECT_LT((error > 0.51 * lsb).to(at::kDouble).mean().item<double>(), 0.02)
          << queries << "x" << keys;
      EXPECT_LT(error.max().item<double>(), 4 * lsb + 1e-6) << queries << "x" << keys;
    }
  }
}

TEST(OpticalAttention, ManyLevelsWithoutNoiseApproachPlainAttention) {
  for (const AttentionShape& shape : kShapes) {
    const Qkv x = inputs(2, shape, 70, 70);
    const at::Tensor y = optical_attention(shape, kExact)->forward(x.q, x.k, x.v, training());
    EXPECT_LT((y - plain_attention(x)).abs().max().item<double>(), 3e-3) << shape.heads;
  }
}

TEST(OpticalAttention, GradientsApproachThoseOfPlainAttention) {
  for (const AttentionShape& shape : kShapes) {
    for (const auto& [queries, keys] :
         std::vector<std::pair<int, int>>{{50, 50}, {9, 40}, {300, 300}}) {
      const Qkv data = inputs(2, shape, queries, keys);
      const Qkv a = with_gradient(data), b = with_gradient(data);
      const at::Tensor g = normal({2, queries, shape.heads * shape.head_dim}, 9);
      optical_attention(shape, kExact)->forward(a.q, a.k, a.v, training()).backward(g);
      plain_attention(b).backward(g);
      for (const auto& [mine, plain] :
           {std::pair(a.q, b.q), std::pair(a.k, b.k), std::pair(a.v, b.v)}) {
        const double scale = plain.grad().abs().max().item<double>();
        EXPECT_LT((mine.grad() - plain.grad()).abs().max().item<double>(), 2e-3 * scale + 1e-6)
            << shape.heads << " " << queries;
      }
    }
  }
}

// With coarse levels and noise the straight-through rule still holds exactly, with the P of the
// noisy forward.
TEST(OpticalAttention, GradientsFollowTheStraightThroughRuleWithTheForwardsProbabilities) {
  const AttentionShape shape{2, 1, 8, 0};
  const Qkv data = inputs(1, shape, 20, 20);
  const Values coarse = {{"q_levels", std::int64_t{16}}, {"mode", std::string("freeze")}};
  auto layer = optical_attention(shape, coarse);
  layer->forward(data.q, data.k, data.v, calibration());
  const Qkv x = with_gradient(data);
  const at::Tensor g = normal({1, 20, 16}, 9);
  layer->forward(x.q, x.k, x.v, training(3)).backward(g);

  const auto range = [&](const char* name) {
    const at::Tensor r = state_of(*layer, name);
    return std::pair(r[0].item<double>(), r[1].item<double>());
  };
  const auto [q_lo, q_hi] = range("query_min_max");
  const auto [k_lo, k_hi] = range("key_min_max");
  const at::Tensor raw =
      at::matmul(quantised_double(data.q, q_lo, q_hi, 16),
                 repeated(quantised_double(data.k, k_lo, k_hi, 16, 0.02004), 2).transpose(-2, -1))
          .to(at::kFloat)
          .contiguous();
  at::Tensor scores = at::empty_like(raw);
  const at::Tensor qk = state_of(*layer, "qk_min_max");
  const std::uint64_t key = kernels::noise_key(42, kernels::layer_id("model.layers.0.self_attn"), 0,
                                               kernels::noise_role::optical_qk);
  kernels::reference::read_out(raw.data_ptr<float>(), 1, raw.numel(),
                               {16, qk.data_ptr<float>(), true, {key, {3, 0}, 0}, nullptr},
                               scores.data_ptr<float>(), raw.numel());
  const double c = 1 / std::sqrt(8.0);
  const at::Tensor p = at::softmax(
      (scores.to(at::kDouble) * c).masked_fill(causal_mask(20, 20).logical_not(), -INFINITY), -1);
  const at::Tensor g_heads = g.reshape({1, 20, 2, 8}).transpose(1, 2).to(at::kDouble);
  const at::Tensor q = data.q.to(at::kDouble), k = repeated(data.k.to(at::kDouble), 2),
                   v = repeated(data.v.to(at::kDouble), 2);
  const at::Tensor dp = at::matmul(g_heads, v.transpose(-2, -1));
  const at::Tensor ds = c * p * (dp - (dp * p).sum(-1, true));
  EXPECT_TRUE(at::allclose(x.q.grad().to(at::kDouble), at::matmul(ds, k), 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(x.k.grad().to(at::kDouble),
                           at::matmul(ds.transpose(-2, -1), q).sum(1, true), 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(x.v.grad().to(at::kDouble),
                           at::matmul(p.transpose(-2, -1), g_heads).sum(1, true), 1e-4, 1e-5));
}

TEST(OpticalAttention, ClipStopsGradientsOutsideTheRanges) {
  const AttentionShape shape{2, 2, 8, 0};
  const Qkv data = inputs(1, shape, 20, 20);
  auto layer =
      optical_attention(shape, joined(kFrozen, {{"ste", std::string("clip")}, {"noise", false}}));
  layer->forward(data.q, data.k, data.v, calibration());
  set_range(*layer, "query_min_max", -1, 1);
  set_range(*layer, "value_min_max", -1.5, 1);
  const Qkv x = with_gradient(data);
  layer->forward(x.q, x.k, x.v, training()).sum().backward();
  const at::Tensor outside = (data.q < -1).logical_or(data.q > 1);
  EXPECT_TRUE(at::equal(x.q.grad().masked_select(outside),
                        at::zeros({outside.sum().item<std::int64_t>()})));
  EXPECT_GT((x.q.grad() != 0).sum().item<std::int64_t>(), 100);

  set_range(*layer, "av_min_max", 50, 60);  // every output is clamped
  const Qkv y = with_gradient(data);
  layer->forward(y.q, y.k, y.v, training()).sum().backward();
  EXPECT_EQ(y.v.grad().abs().max().item<float>(), 0.0f);
  set_range(*layer, "av_min_max", -3, 3);
  set_range(*layer, "qk_min_max", 100,
            200);  // every score is clamped: no gradient through the softmax
  const Qkv z = with_gradient(data);
  layer->forward(z.q, z.k, z.v, training()).sum().backward();
  EXPECT_EQ(z.q.grad().abs().max().item<float>(), 0.0f);
  EXPECT_GT(z.v.grad().abs().max().item<float>(), 0.0f);
}

TEST(OpticalAttention, LaterTokensDoNotReachEarlierOutputs) {
  const AttentionShape shape{4, 2, 16, 0};
  auto layer = optical_attention(shape, kFrozen);
  Qkv x = inputs(2, shape, 150, 150);
  layer->forward(x.q, x.k, x.v, calibration());
  const at::Tensor before = layer->forward(x.q, x.k, x.v, training());
  for (const std::int64_t token : {1, 77, 149}) {
    Qkv changed{x.q.clone(), x.k.clone(), x.v.clone()};
    for (at::Tensor* t : {&changed.q, &changed.k, &changed.v}) t->select(2, token).fill_(1.5f);
    const at::Tensor after = layer->forward(changed.q, changed.k, changed.v, training());
    EXPECT_TRUE(same_bits(before.narrow(1, 0, token), after.narrow(1, 0, token))) << token;
    EXPECT_FALSE(at::equal(before.select(1, token), after.select(1, token)));
  }
}

TEST(OpticalAttention, QueryHeadsUseTheirOwnKeyValueHead) {
  const AttentionShape shape{6, 2, 8, 0};
  auto layer = optical_attention(shape, joined(kFrozen, kQuiet));
  Qkv x = inputs(1, shape, 12, 12);
  layer->forward(x.q, x.k, x.v, calibration());
  const at::Tensor before = layer->forward(x.q, x.k, x.v, training());
  Qkv changed = x;
  changed.v = x.v.clone();
  changed.v.select(1, 1).fill_(0.5f);
  const at::Tensor after = layer->forward(changed.q, changed.k, changed.v, training());
  EXPECT_TRUE(same_bits(before.narrow(2, 0, 24), after.narrow(2, 0, 24)));  // heads 0 to 2
  for (std::int64_t head = 3; head < 6; ++head) {
    EXPECT_FALSE(at::equal(before.narrow(2, 8 * head, 8), after.narrow(2, 8 * head, 8)));
  }
}

TEST(OpticalAttention, CachedDecodingEqualsTheFullForwardWithoutNoise) {
  const AttentionShape shape{4, 2, 16, 0};
  auto layer = optical_attention(shape, joined(kFrozen, kQuiet));
  const Qkv x = inputs(2, shape, 40, 40);
  layer->forward(x.q, x.k, x.v, calibration());
  const at::Tensor full = layer->forward(x.q, x.k, x.v, evaluation());
  const at::Tensor range = state_of(*layer, "av_min_max");
  const double lsb = (range[1] - range[0]).item<double>() / 255;
  for (const std::int64_t first : {39, 25}) {
    const at::Tensor last =
        layer->forward(x.q.narrow(2, first, 40 - first), x.k, x.v, evaluation());
    const at::Tensor error = (last - full.narrow(1, first, 40 - first)).abs();
    EXPECT_LT((error > 0.5 * lsb).to(at::kFloat).mean().item<double>(), 0.02);
    EXPECT_LT(error.max().item<double>(), 3 * lsb);
  }
}

TEST(OpticalAttention, QueriesBeforeTheFirstKeyGetZeros) {
  const AttentionShape shape{2, 2, 8, 0};
  auto layer = optical_attention(shape, joined(kFrozen, kExact));
  const Qkv x = inputs(1, shape, 6, 4);  // the first two queries see nothing
  layer->forward(inputs(1, shape, 8, 8).q, inputs(1, shape, 8, 8).k, inputs(1, shape, 8, 8).v,
                 calibration());
  const at::Tensor y = layer->forward(x.q, x.k, x.v, training());
  EXPECT_LT(y.narrow(1, 0, 2).abs().max().item<double>(), 1e-3);
  EXPECT_TRUE(at::isfinite(y).all().item<bool>());

  const Qkv far = with_gradient(inputs(1, shape, 300, 4));  // whole tiles without a key
  const at::Tensor z = layer->forward(far.q, far.k, far.v, training());
  EXPECT_LT(z.narrow(1, 0, 296).abs().max().item<double>(), 1e-3);
  z.sum().backward();
  EXPECT_EQ(far.q.grad().narrow(2, 0, 296).abs().max().item<float>(), 0.0f);
  EXPECT_TRUE(at::isfinite(far.k.grad()).all().item<bool>());
}

TEST(OpticalAttention, MemoryDoesNotGrowWithTheSquareOfTheSequence) {
  const AttentionShape shape{16, 4, 8, 0};
  auto layer = optical_attention(shape);
  const auto peak_megabytes = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
  };
  const Qkv little = with_gradient(inputs(1, shape, 64, 64));
  layer->forward(little.q, little.k, little.v, training(0)).sum().backward();
  const Qkv x = with_gradient(inputs(1, shape, 2048, 2048));
  const auto before = peak_megabytes();
  layer->forward(x.q, x.k, x.v, training(1)).sum().backward();
  EXPECT_LT(peak_megabytes() - before, 64);  // one score matrix of all heads: 256 MB
}

TEST(OpticalAttention, ScoreStatisticsSeeWhatTheMaskKeepsOrAll) {
  const AttentionShape shape{2, 2, 16, 0};
  Qkv x = inputs(1, shape, 30, 30);
  x.k.select(2, 29).mul_(20);  // the last key, seen by the last query alone
  x.q.select(2, 29).fill_(0.0f);
  auto causal = optical_attention(shape, kQuiet);
  auto full = optical_attention(shape, {{"noise", false}, {"stats_scope", std::string("full")}});
  causal->forward(x.q, x.k, x.v, training());
  full->forward(x.q, x.k, x.v, training());
  const at::Tensor raw = at::matmul(x.q, x.k.transpose(-2, -1));
  const double all = range_of(raw).second;
  const double kept = range_of(raw.masked_select(causal_mask(30, 30))).second;
  ASSERT_GT(all, 3 * kept);
  const double causal_hi = state_of(*causal, "qk_min_max")[1].item<double>();
  EXPECT_LT(causal_hi, 2 * kept);
  EXPECT_NEAR(state_of(*full, "qk_min_max")[1].item<double>(), all, 0.05 * all);

  x.q.mul_(2);
  full->forward(x.q, x.k, x.v, training(1));  // the update, too, sees all
  EXPECT_NEAR(state_of(*full, "qk_min_max")[1].item<double>(), 0.9 * all + 0.1 * 2 * all,
              0.05 * all);
}

TEST(OpticalAttention, ScoreRangeIsUnscaledAndFollowsTheData) {
  const AttentionShape shape{2, 2, 64, 0};
  auto layer = optical_attention(shape, kQuiet);
  for (int step = 0; step < 60; ++step) {
    const Qkv x = inputs(2, shape, 40, 40, 1000 + 7 * step, step < 5 ? 1.0 : 2.0);
    layer->forward(x.q, x.k, x.v, training(step));
  }
  const Qkv x = inputs(2, shape, 40, 40, 5, 2.0);
  const at::Tensor raw = at::matmul(x.q, x.k.transpose(-2, -1)).masked_select(causal_mask(40, 40));
  const at::Tensor range = state_of(*layer, "qk_min_max");
  const at::Tensor outside =
      (raw < range[0].item<double>()).logical_or(raw > range[1].item<double>()).to(at::kFloat);
  EXPECT_LT(outside.mean().item<double>(), 0.01);
}

TEST(OpticalAttention, QuantileRangesOfScoresAndContextAreNearTheExactOnes) {
  const AttentionShape shape{4, 2, 16, 0};
  const Qkv x = inputs(2, shape, 60, 60);
  const Values exact_codes = joined(kExact, {{"q_quantiles", RealPair(0.05, 0.95)}});
  auto layer = optical_attention(shape, exact_codes);
  layer->forward(x.q, x.k, x.v,
                 calibration());  // the plain product: nothing but the histogram's error
  const at::Tensor raw =
      at::matmul(x.q, repeated(x.k, 4).transpose(-2, -1)).masked_select(causal_mask(60, 60));
  const at::Tensor expected = at::quantile(raw, at::tensor({0.05f, 0.95f}));
  const double bin = (raw.max() - raw.min()).item<double>() / kernels::Histogram::kBins;
  EXPECT_LT((state_of(*layer, "qk_min_max") - expected).abs().max().item<double>(),
            1.01 * bin + 1e-5);
  const at::Tensor context = plain_attention(x);
  const at::Tensor context_expected = at::quantile(context, at::tensor({0.05f, 0.95f}));
  const double context_bin =
      (context.max() - context.min()).item<double>() / kernels::Histogram::kBins;
  EXPECT_LT((state_of(*layer, "av_min_max") - context_expected).abs().max().item<double>(),
            1.01 * context_bin + 1e-5);
  EXPECT_TRUE(at::allclose(state_of(*layer, "query_min_max"),
                           at::quantile(x.q, at::tensor({0.05f, 0.95f})), 1e-5, 1e-6));
}

TEST(OpticalAttention, EvaluationAndFreezeChangeNoState) {
  const AttentionShape shape{2, 2, 8, 0};
  for (const bool frozen : {false, true}) {
    auto layer = optical_attention(shape, frozen ? kFrozen : Values{});
    const Qkv x = inputs(1, shape, 12, 12);
    layer->forward(x.q, x.k, x.v, calibration());
    const std::vector<at::Tensor> before = copy_of_state(*layer);
    ASSERT_EQ(before.size(), 6u);
    const Qkv other = inputs(1, shape, 12, 12, 77, 4.0);
    layer->forward(other.q, other.k, other.v, frozen ? training() : evaluation());
    const std::vector<at::Tensor> after = copy_of_state(*layer);
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], after[i]));
  }
}

TEST(OpticalAttention, EvaluationOfAFreshLayerNamesTheLayer) {
  const AttentionShape shape{2, 2, 8, 0};
  auto layer = optical_attention(shape, {}, "model.layers.5.self_attn");
  const Qkv x = inputs(1, shape, 4, 4);
  try {
    layer->forward(x.q, x.k, x.v, evaluation());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("model.layers.5.self_attn"), std::string::npos);
  }
}

TEST(OpticalAttention, RecomputationRepeatsTheBitsAndUpdatesNothing) {
  const AttentionShape shape{4, 2, 8, 0};
  auto layer = optical_attention(shape);
  const Qkv first = inputs(2, shape, 20, 20);
  layer->forward(first.q, first.k, first.v, training(0));
  const Qkv x = inputs(2, shape, 20, 20, 9, 2.0);
  const at::Tensor y = layer->forward(x.q, x.k, x.v, training(1));
  const std::vector<at::Tensor> before = copy_of_state(*layer);
  ForwardContext again = training(1);
  again.recompute = true;
  EXPECT_TRUE(same_bits(y, layer->forward(x.q, x.k, x.v, again)));
  const std::vector<at::Tensor> after = copy_of_state(*layer);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], after[i]));
}

TEST(OpticalAttention, ASplitBatchGivesTheSameRowsAndGradients) {
  const AttentionShape shape{4, 2, 8, 0};
  auto layer = optical_attention(shape, kFrozen);
  const Qkv data = inputs(5, shape, 20, 20);
  layer->forward(data.q, data.k, data.v, calibration());
  const Qkv whole = with_gradient(data);
  const at::Tensor y = layer->forward(whole.q, whole.k, whole.v, training(2));
  y.pow(2).sum().backward();
  const Qkv part =
      with_gradient({data.q.narrow(0, 2, 3), data.k.narrow(0, 2, 3), data.v.narrow(0, 2, 3)});
  ForwardContext context = training(2);
  context.first_sequence = 2;
  const at::Tensor y_part = layer->forward(part.q, part.k, part.v, context);
  y_part.pow(2).sum().backward();
  EXPECT_TRUE(same_bits(y.narrow(0, 2, 3), y_part));
  EXPECT_TRUE(same_bits(whole.q.grad().narrow(0, 2, 3), part.q.grad()));
  EXPECT_TRUE(same_bits(whole.k.grad().narrow(0, 2, 3), part.k.grad()));
  EXPECT_TRUE(same_bits(whole.v.grad().narrow(0, 2, 3), part.v.grad()));
}

TEST(OpticalAttention, NoiseIsIndependentByStepAndReadOut) {
  const AttentionShape shape{4, 4, 32, 0};
  auto layer = optical_attention(shape, kFrozen);
  const Qkv x = inputs(4, shape, 64, 64);
  layer->forward(x.q, x.k, x.v, calibration());
  const at::Tensor a = layer->forward(x.q, x.k, x.v, training(0));
  EXPECT_TRUE(same_bits(a, layer->forward(x.q, x.k, x.v, training(0))));
  EXPECT_FALSE(at::equal(a, layer->forward(x.q, x.k, x.v, training(1))));
  // Errors of two steps against their mean are uncorrelated: their difference has twice the
  // variance of one.
  at::Tensor mean = at::zeros_like(a);
  std::vector<at::Tensor> draws;
  for (int step = 0; step < 16; ++step)
    draws.push_back(layer->forward(x.q, x.k, x.v, training(step)));
  for (const at::Tensor& draw : draws) mean += draw / 16;
  const double variance = (draws[0] - mean).pow(2).mean().item<double>() * 16 / 15;
  const double covariance = ((draws[0] - mean) * (draws[1] - mean)).mean().item<double>();
  EXPECT_NEAR(covariance / variance, -1.0 / 15, 0.03);
  EXPECT_GT(variance, 0);
}

TEST(OpticalAttention, BypassIsPlainAttentionBitForBit) {
  const AttentionShape shape{4, 2, 8, 0};
  const Qkv data = inputs(2, shape, 20, 20);
  const Qkv a = with_gradient(data), b = with_gradient(data);
  auto layer = optical_attention(shape, {{"q_bypass", true}});
  PlainAttention plain("plain", shape);
  const at::Tensor y = layer->forward(a.q, a.k, a.v, training());
  const at::Tensor y2 = plain.forward(b.q, b.k, b.v, training());
  EXPECT_TRUE(same_bits(y, y2));
  y.sum().backward();
  y2.sum().backward();
  EXPECT_TRUE(same_bits(a.q.grad(), b.q.grad()));
  EXPECT_TRUE(same_bits(a.k.grad(), b.k.grad()));
}

TEST(OpticalAttention, StridedViewsGiveTheResultOfTheirCopies) {
  const AttentionShape shape{4, 2, 8, 0};
  const at::Tensor q = normal({2, 20, 4, 8}, 1).transpose(1, 2);
  const at::Tensor k = normal({2, 20, 2, 8}, 2).transpose(1, 2);
  const at::Tensor v = normal({2, 20, 4, 8}, 3).narrow(2, 1, 2).transpose(1, 2);
  const at::Tensor y = optical_attention(shape, kQuiet)->forward(q, k, v, training());
  const at::Tensor copies =
      optical_attention(shape, kQuiet)
          ->forward(q.contiguous(), k.contiguous(), v.contiguous(), training());
  EXPECT_TRUE(same_bits(y, copies));
}

TEST(OpticalAttention, BFloat16InAndOutWithFp32Inside) {
  const AttentionShape shape{4, 2, 8, 0};
  const Qkv data = inputs(2, shape, 20, 20);
  const Qkv half{data.q.to(at::kBFloat16), data.k.to(at::kBFloat16), data.v.to(at::kBFloat16)};
  const Qkv x = with_gradient(half);
  ForwardContext context = training();
  context.compute_dtype = at::kBFloat16;
  const at::Tensor y = optical_attention(shape)->forward(x.q, x.k, x.v, context);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  const at::Tensor in_fp32 = optical_attention(shape)->forward(
      half.q.to(at::kFloat), half.k.to(at::kFloat), half.v.to(at::kFloat), training());
  EXPECT_TRUE(same_bits(y, in_fp32.to(at::kBFloat16)));
  y.to(at::kFloat).sum().backward();
  EXPECT_EQ(x.k.grad().scalar_type(), at::kBFloat16);
}

TEST(OpticalAttention, NaNStaysInItsRowsAndChangesNoRange) {
  const AttentionShape shape{2, 2, 8, 0};
  auto layer = optical_attention(shape);
  const Qkv x = inputs(1, shape, 12, 12);
  layer->forward(x.q, x.k, x.v, training(0));
  const std::vector<at::Tensor> before = copy_of_state(*layer);
  Qkv bad{x.q.clone(), x.k.clone(), x.v.clone()};
  bad.q[0][0][5][2] = std::nanf("");
  const at::Tensor y = layer->forward(bad.q, bad.k, bad.v, training(1));
  EXPECT_TRUE(at::isnan(y[0][5].narrow(0, 0, 8)).all().item<bool>());
  EXPECT_EQ(at::isnan(y).sum().item<std::int64_t>(), 8);
  const std::vector<at::Tensor> after = copy_of_state(*layer);
  EXPECT_TRUE(same_bits(before[0], after[0]));  // query
  EXPECT_TRUE(same_bits(before[2], after[2]));  // scores
  EXPECT_TRUE(same_bits(before[5], after[5]));  // context
}

TEST(OpticalAttention, ConstantTensorsStayFinite) {
  const AttentionShape shape{2, 2, 8, 0};
  const at::Tensor ones = at::ones({1, 2, 5, 8});
  const at::Tensor y = optical_attention(shape, kQuiet)->forward(ones, ones, ones, training());
  EXPECT_TRUE(at::isfinite(y).all().item<bool>());
  EXPECT_LT((y - 1).abs().max().item<double>(), 0.02);
}

TEST(OpticalAttention, AnEmptyBatchPasses) {
  const AttentionShape shape{2, 2, 8, 0};
  const Qkv x = inputs(0, shape, 5, 5);
  EXPECT_EQ(optical_attention(shape)->forward(x.q, x.k, x.v, training()).sizes(),
            (std::vector<std::int64_t>{0, 5, 16}));
}

TEST(OpticalAttention, MismatchedShapesAreRefusedByName) {
  const AttentionShape shape{4, 2, 8, 0};
  auto layer = optical_attention(shape);
  const Qkv x = inputs(2, shape, 5, 5);
  EXPECT_THROW(layer->forward(x.q, x.k, x.v.narrow(2, 0, 4), training()), Error);
  EXPECT_THROW(layer->forward(x.q.narrow(1, 0, 3), x.k, x.v, training()), Error);
  EXPECT_THROW(layer->forward(x.q.narrow(0, 0, 1), x.k, x.v, training()), Error);
}

TEST(OpticalAttention, DropoutActsInTrainingOnlyAndItsGradientRepeatsTheMask) {
  const AttentionShape shape{2, 2, 8, 0.5};
  const Qkv data = inputs(1, shape, 16, 16);
  auto dropped = optical_attention(shape, joined(kFrozen, kExact));
  auto whole = optical_attention({2, 2, 8, 0}, joined(kFrozen, kExact));
  for (auto* layer : {&dropped, &whole}) (*layer)->forward(data.q, data.k, data.v, calibration());
  set_range(*dropped, "av_min_max", -20, 20);
  set_range(*whole, "av_min_max", -20, 20);
  EXPECT_TRUE(at::equal(dropped->forward(data.q, data.k, data.v, evaluation()),
                        whole->forward(data.q, data.k, data.v, evaluation())));
  EXPECT_FALSE(at::allclose(dropped->forward(data.q, data.k, data.v, training()),
                            whole->forward(data.q, data.k, data.v, training()), 1e-2, 1e-2));
  // y is linear in v: its gradient applied to v gives y back, which fails with another mask (P <= 1
  // is clamped, so the few entries above it are left out by scaling the scores down).
  Qkv x = with_gradient({data.q * 0.1, data.k * 0.1, data.v});
  const at::Tensor y = dropped->forward(x.q, x.k, x.v, training(4));
  y.narrow(1, 8, 8).sum().backward();
  const double from_gradient = (x.v.grad() * x.v.detach()).sum().item<double>();
  EXPECT_NEAR(from_gradient, y.narrow(1, 8, 8).sum().item<double>(), 0.05);
}

TEST(OpticalAttention, DelayedRangesAreThoseOfThePreviousMicroStep) {
  const AttentionShape shape{2, 2, 8, 0};
  auto layer = optical_attention(shape, joined(kExact, {{"stats", std::string("delayed")}}));
  const Qkv x = inputs(1, shape, 12, 12);
  layer->forward(x.q, x.k, x.v, training(0));
  const auto [lo, hi] = range_of(x.v);
  const at::Tensor y = layer->forward(x.q, x.k, x.v * 3, training(1));
  EXPECT_LE(y.max().item<double>(), 1.001 * hi);  // the values were clamped to the old range
  EXPECT_FLOAT_EQ(state_of(*layer, "value_min_max")[1].item<float>(),
                  0.9f * static_cast<float>(hi) + 0.1f * static_cast<float>(3 * hi));
  ForwardContext again = training(1);
  again.recompute = true;
  EXPECT_TRUE(same_bits(y, layer->forward(x.q, x.k, x.v * 3, again)));
}

TEST(OpticalAttention, StatisticsAreThoseOfTheMeasuredForward) {
  const AttentionShape shape{4, 2, 16, 0};
  const Qkv x = inputs(2, shape, 40, 40);
  auto layer = optical_attention(shape, kFrozen);
  layer->forward(x.q, x.k, x.v, calibration());
  set_range(*layer, "qk_min_max", -4, 5);
  set_range(*layer, "av_min_max", -1, 1.5f);
  const at::Tensor plain = layer->forward(x.q, x.k, x.v, training());
  EXPECT_TRUE(layer->statistics().empty());
  ForwardContext context = training();
  context.measure = true;
  const at::Tensor y = layer->forward(x.q, x.k, x.v, context);
  EXPECT_TRUE(same_bits(plain, y));
  EXPECT_EQ(statistic(*layer, "qk_lo"), -4);
  EXPECT_EQ(statistic(*layer, "av_hi"), 1.5);
  EXPECT_EQ(statistic(*layer, "query_hi"), x.q.max().item<float>());

  const at::Tensor raw =
      at::matmul(x.q, repeated(x.k, 4).transpose(-2, -1)).masked_select(causal_mask(40, 40));
  const double clamped = (raw < -4).logical_or(raw > 5).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(statistic(*layer, "qk_clamp_rate"), clamped, 0.01);
  EXPECT_GT(statistic(*layer, "clamp_rate"), 0.01);
  EXPECT_LT(statistic(*layer, "clamp_rate"), 0.5);
  const at::Tensor exact = plain_attention(x);
  const double ratio = (exact.pow(2).sum() / (y - exact).pow(2).sum()).item<double>();
  EXPECT_NEAR(statistic(*layer, "sqnr_db"), 10 * std::log10(ratio), 0.01);
}

TEST(OpticalAttention, TheFloorMayMoveOverSteps) {
  const AttentionShape shape{2, 2, 8, 0};
  const Qkv x = inputs(1, shape, 12, 12);
  const ParamSchedule ramp{.from = 0.3, .to = 0.1, .steps = 10, .shape = ScheduleShape::linear};
  auto moving = optical_attention(shape, joined(kFrozen, {{"q_lut_min", ramp}}));
  auto fixed = optical_attention(shape, joined(kFrozen, {{"q_lut_min", 0.2}}));
  for (auto* layer : {&moving, &fixed}) (*layer)->forward(x.q, x.k, x.v, calibration());
  const Qkv a = with_gradient(x), b = with_gradient(x);
  const at::Tensor y = moving->forward(a.q, a.k, a.v, training(5));
  const at::Tensor expected = fixed->forward(b.q, b.k, b.v, training(5));
  EXPECT_TRUE(same_bits(y, expected));
  y.sum().backward();
  expected.sum().backward();
  EXPECT_TRUE(same_bits(a.q.grad(), b.q.grad()));
}

TEST(OpticalAttention, ContextRangeFollowsAGrowingSignal) {
  const AttentionShape shape{2, 2, 16, 0};
  auto layer = optical_attention(shape, kQuiet);
  for (int step = 0; step < 80; ++step) {
    Qkv x = inputs(2, shape, 40, 40, 1000 + 7 * step);
    if (step >= 10) x.v.mul_(4);
    layer->forward(x.q, x.k, x.v, training(step));
  }
  ForwardContext context = training(80);
  context.measure = true;
  const Qkv x = inputs(2, shape, 40, 40, 5);
  layer->forward(x.q, x.k, x.v * 4, context);
  EXPECT_LT(statistic(*layer, "clamp_rate"), 0.01);
  EXPECT_LT(statistic(*layer, "qk_clamp_rate"), 0.01);
}

TEST(OpticalAttention, TypesOfTheOperandsMayDiffer) {
  const AttentionShape shape{4, 2, 8, 0};
  const Qkv x = inputs(2, shape, 20, 20);
  const Qkv mixed{x.q.to(at::kBFloat16), x.k, x.v.to(at::kHalf)};
  const at::Tensor expected = optical_attention(shape)->forward(mixed.q.to(at::kFloat), mixed.k,
                                                                mixed.v.to(at::kFloat), training());
  const Qkv leaves = with_gradient(mixed);
  const at::Tensor y = optical_attention(shape)->forward(leaves.q, leaves.k, leaves.v, training());
  EXPECT_TRUE(same_bits(y, expected));
  y.sum().backward();
  EXPECT_EQ(leaves.q.grad().scalar_type(), at::kBFloat16);
  EXPECT_EQ(leaves.v.grad().scalar_type(), at::kHalf);
}

TEST(OpticalAttention, InfinitiesClampAndChangeNoRange) {
  const AttentionShape shape{2, 2, 8, 0};
  auto layer = optical_attention(shape);
  const Qkv x = inputs(1, shape, 12, 12);
  layer->forward(x.q, x.k, x.v, training(0));
  const std::vector<at::Tensor> before = copy_of_state(*layer);
  Qkv bad{x.q.clone(), x.k.clone(), x.v.clone()};
  bad.k[0][1][4][2] = -std::numeric_limits<float>::infinity();
  bad.v[0][0][3][1] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(at::isfinite(layer->forward(bad.q, bad.k, bad.v, training(1))).all().item<bool>());
  const std::vector<at::Tensor> after = copy_of_state(*layer);
  EXPECT_TRUE(same_bits(before[1], after[1]));  // key
  EXPECT_TRUE(same_bits(before[4], after[4]));  // value
}

}  // namespace
