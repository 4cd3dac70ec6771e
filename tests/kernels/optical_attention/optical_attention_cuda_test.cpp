// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention_scores/attention_scores.h"
#include "kernels/level_quantiser/level.h"
#include "kernels/optical_attention/optical_attention.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>
#include <random>

namespace kernels {
namespace {

// 257 and 129 levels over [-1, 1] are multiples of 2^-7 and 2^-6: exact in fp16, and so are sums of
// their products in fp32. The codes of the scores must then be equal whatever the order of
// summation. They take two bytes and one.
constexpr std::int32_t kTwoBytes = 257;
constexpr std::int32_t kOneByte = 129;
constexpr float kUnit[2] = {-1, 1};
constexpr float kScoreRange[2] = {-3, 2.5f};
constexpr float kLut = 3.0f / 128;

using Bf16Buffer = std::vector<__nv_bfloat16>;

struct Case {
  AttentionExtent extent;
  bool noisy = true;
  bool clip = false;
  std::int32_t levels = kOneByte;
  std::int64_t kept_queries = 1 << 20;  ///< of one chunk
  float scale = 0;                      ///< 0: 1 / sqrt(head_dim)
  std::uint64_t first_element = 4096;

  float scale_of_scores() const {
    return scale > 0 ? scale : 1 / std::sqrt(static_cast<float>(extent.head_dim));
  }
  NoiseStream noise() const { return {0x5cabaa10577fab40ull, {7, 3}, first_element, nullptr}; }
};

std::vector<float> random_values(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.4f);
  std::vector<float> x(count);
  // bf16 values, so that the exact operands are the same on both sides.
  for (float& value : x) value = __bfloat162float(__float2bfloat16(normal(random)));
  return x;
}

Bf16Buffer as_bf16(const std::vector<float>& x) {
  Bf16Buffer result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) result[i] = __float2bfloat16(x[i]);
  return result;
}

std::vector<float> as_float(const Bf16Buffer& x) {
  std::vector<float> result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) result[i] = __bfloat162float(x[i]);
  return result;
}

/// ‖a - b‖ / ‖b‖
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    norm += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(difference / std::max(norm, 1e-30));
}

struct Outcome {
  std::vector<float> context, dq, dk, dv;
  std::vector<int> codes;  ///< of the scores, [heads of all, queries, keys]; -1: hidden
  Range scores;
};

struct Inputs {
  explicit Inputs(const AttentionExtent& e)
      : q(random_values(e.batch * e.heads * e.queries * e.head_dim, 1)),
        k(random_values(e.batch * e.kv_heads * e.keys * e.head_dim, 2)),
        v(random_values(e.batch * e.kv_heads * e.keys * e.head_dim, 3)),
        g(random_values(e.batch * e.heads * e.queries * e.head_dim, 4)) {}
  std::vector<float> q, k, v, g;
};

/// Head by head in double, with the reference's read-out and softmax.
Outcome expected(const Case& c, const Inputs& in) {
  const AttentionExtent& e = c.extent;
  const std::int64_t D = e.head_dim;
  std::vector<float> q(in.q), k(in.k), v(in.v);
  reference::quantise(in.q.data(), in.q.size(), c.levels, kUnit, 0, q.data());
  reference::quantise(in.k.data(), in.k.size(), c.levels, kUnit, kLut, k.data());
  reference::quantise(in.v.data(), in.v.size(), c.levels, kUnit, kLut, v.data());
  const float scale = c.scale_of_scores();
  constexpr float unit_interval[2] = {0, 1};
  Outcome out;
  out.context.resize(in.q.size());
  std::vector<double> dq(in.q.size()), dk(in.k.size()), dv(in.v.size());
  for (std::int64_t head = 0; head < e.batch * e.heads; ++head) {
    const std::int64_t kv = head / e.heads * e.kv_heads + head % e.heads * e.kv_heads / e.heads;
    const float* kh = k.data() + kv * e.keys * D;
    const float* vh = v.data() + kv * e.keys * D;
    std::vector<float> scores(e.queries * e.keys), p(scores.size()), codes(scores.size());
    for (std::int64_t i = 0; i < e.queries; ++i)
      for (std::int64_t j = 0; j < e.keys; ++j) {
        double sum = 0;
        for (std::int64_t d = 0; d < D; ++d)
          sum += static_cast<double>(q[(head * e.queries + i) * D + d]) * kh[j * D + d];
        scores[i * e.keys + j] = static_cast<float>(sum);
      }
    const ScoreTile tile{e.queries, e.keys, e.keys - e.queries + 1, e.keys};
    const NoiseStream noise = c.noise().at(head * e.queries * e.keys);
    const ScoreReadOut how{{c.levels, kScoreRange, c.noisy, noise}, scale};
    std::vector<float> uniform(scores.size(), 0.5f);
    if (c.noisy) reference::uniform(noise, e.queries * e.keys, uniform.data());
    const FastLevelGrid grid(kScoreRange, c.levels);
    for (std::int64_t i = 0; i < e.queries * e.keys; ++i) {
      const bool is_visible = i % e.keys <= i / e.keys + e.keys - e.queries;
      out.codes.push_back(is_visible ? static_cast<int>(grid.code(scores[i], uniform[i] - 0.5f))
                                     : -1);
    }
    out.scores = merge(out.scores, reference::probabilities(tile, scores.data(), how, p.data()));
    reference::quantise(p.data(), p.size(), c.levels, unit_interval, 0, codes.data());
    for (std::int64_t i = 0; i < e.queries; ++i) {
      const std::int64_t row = (head * e.queries + i) * D;
      std::vector<double> dp(e.keys);
      double mean = 0;
      for (std::int64_t j = 0; j < e.keys; ++j) {
        for (std::int64_t d = 0; d < D; ++d)
          dp[j] += static_cast<double>(in.g[row + d]) * in.v[(kv * e.keys + j) * D + d];
        mean += dp[j] * p[i * e.keys + j];
      }
      for (std::int64_t d = 0; d < D; ++d) {
        double sum = 0;
        for (std::int64_t j = 0; j < e.keys; ++j)
          sum += static_cast<double>(codes[i * e.keys + j]) * vh[j * D + d];
        out.context[row + d] = static_cast<float>(sum);
      }
      for (std::int64_t j = 0; j < tile.visible(i); ++j) {
        const float raw = scores[i * e.keys + j];
        const bool outside = raw < kScoreRange[0] || raw > kScoreRange[1];
        const double ds = c.clip && outside ? 0 : scale * p[i * e.keys + j] * (dp[j] - mean);
        for (std::int64_t d = 0; d < D; ++d) {
          const std::int64_t key = (kv * e.keys + j) * D + d;
          dq[row + d] += ds * in.k[key];
          dk[key] += ds * in.q[row + d];
          dv[key] += static_cast<double>(p[i * e.keys + j]) * in.g[row + d];
        }
      }
    }
  }
  out.dq.assign(dq.begin(), dq.end());
  out.dk.assign(dk.begin(), dk.end());
  out.dv.assign(dv.begin(), dv.end());
  return out;
}

HeadRows dense(const void* data, std::int64_t heads, std::int64_t rows, std::int64_t head_dim) {
  return {data, heads * rows * head_dim, rows * head_dim, head_dim};
}

/// As Outcome::codes.
std::vector<int> codes_of(const Case& c, const std::vector<unsigned char>& bytes) {
  const AttentionExtent& e = c.extent;
  std::vector<int> codes;
  for (std::int64_t head = 0; head < e.batch * e.heads; ++head)
    for (std::int64_t query = 0; query < e.queries; ++query)
      for (std::int64_t key = 0; key < e.keys; ++key) {
        if (key > query + e.keys - e.queries) {
          codes.push_back(-1);
          continue;
        }
        const std::int64_t at = cuda::optical_attention_code_index(e, head, query, key);
        codes.push_back(c.levels <= 256 ? bytes[at] : bytes[2 * at] | bytes[2 * at + 1] << 8);
      }
  return codes;
}

struct ForwardRows {
  HeadRows q, k, v, exact_v;
};

/// A running range in device memory.
struct DeviceRange {
  explicit DeviceRange(const float (&range)[2])
      : state({range[0], range[1]}), used(2), scratch(cuda::RunningRange::kScratch), rejected(1) {
    cuda::clear_scratch(scratch.data(), {});
  }
  cuda::RunningRange running() const {
    return {state.data(), scratch.data(), rejected.data(), used.data(), false, 0.9f};
  }
  tests::CudaBuffer<float> state, used;
  tests::CudaBuffer<int> scratch, rejected;
};

/// The sweep's own read-out of the context against read_out() of the context.
void expect_the_same_read_out(const Case& c, const OpticalAttention& how, const ForwardRows& in,
                              const AttentionCodes& codes, const OpticalAttentionRows& rows,
                              const tests::CudaBuffer<float>& context) {
  const AttentionExtent& e = c.extent;
  const std::int64_t row_count = e.batch * e.heads * e.queries;
  constexpr float kContextRange[2] = {-0.4f, 0.5f};
  const DeviceRange scores(kScoreRange), apart(kContextRange), together(kContextRange);
  ReadOut read_out;
  read_out.levels = c.levels;
  read_out.noisy = c.noisy;
  read_out.noise = {0x1234567890ull, {7, 3}, 512, nullptr};
  const tests::CudaBuffer<__nv_bfloat16> right(row_count * e.head_dim), y(row_count * e.head_dim);
  cuda::read_out(context.data(), row_count, e.head_dim, read_out, right.data(), ElementType::bf16,
                 apart.running(), {});
  const ResultRows y_rows{y.data(), e.heads * e.queries * e.head_dim, e.queries * e.head_dim,
                          e.head_dim};
  cuda::optical_attention_forward(how, in.q, in.k, in.v, in.exact_v, codes,
                                  {read_out, together.running(), y_rows}, rows, scores.running(),
                                  {});
  EXPECT_EQ(as_float(y.host()), as_float(right.host()));
  EXPECT_EQ(together.state.host(), apart.state.host());
  EXPECT_EQ(together.used.host(), apart.used.host());
}

Outcome on_device(const Case& c, const Inputs& in) {
  const AttentionExtent& e = c.extent;
  const tests::CudaBuffer<float> unit({kUnit[0], kUnit[1]}),
      score_range({kScoreRange[0], kScoreRange[1]});
  const tests::CudaBuffer<__nv_bfloat16> q(as_bf16(in.q)), k(as_bf16(in.k)), v(as_bf16(in.v)),
      g(as_bf16(in.g));
  const tests::CudaBuffer<__half> q16(in.q.size()), k16(in.k.size()), v16(in.v.size());
  const HeadRows q_rows = dense(q.data(), e.heads, e.queries, e.head_dim);
  const HeadRows k_rows = dense(k.data(), e.kv_heads, e.keys, e.head_dim);
  const HeadRows v_rows = dense(v.data(), e.kv_heads, e.keys, e.head_dim);
  const HeadRows g_rows = dense(g.data(), e.heads, e.queries, e.head_dim);
  const auto quantise = [&](const tests::CudaBuffer<__nv_bfloat16>& x, std::size_t count, float lut,
                            const tests::CudaBuffer<__half>& out) {
    cuda::quantise(x.data(), ElementType::bf16, static_cast<std::int64_t>(count), c.levels,
                   unit.data(), lut, out.data(), ElementType::fp16, {}, unit.data());
  };
  quantise(q, in.q.size(), 0, q16);
  quantise(k, in.k.size(), kLut, k16);
  quantise(v, in.v.size(), kLut, v16);
  const HeadRows q16_rows = dense(q16.data(), e.heads, e.queries, e.head_dim);
  const HeadRows k16_rows = dense(k16.data(), e.kv_heads, e.keys, e.head_dim);
  const HeadRows v16_rows = dense(v16.data(), e.kv_heads, e.keys, e.head_dim);

  const OpticalAttention how{.extent = e,
                             .scale = c.scale_of_scores(),
                             .levels = c.levels,
                             .noisy = c.noisy,
                             .clip = c.clip,
                             .qk_noise = c.noise(),
                             .v_range = unit.data(),
                             .qk_range = score_range.data()};
  const std::size_t row_count = e.batch * e.heads * e.queries;
  const tests::CudaBuffer<float> context(in.q.size()), exponent(row_count), range(2),
      range_alone(2);
  const tests::CudaBuffer<__nv_bfloat16> exact(in.q.size());
  const tests::CudaBuffer<int> observed(3);
  const OpticalAttentionRows rows{exponent.data(), exact.data()};
  cuda::clear(observed.data(), {});
  cuda::optical_attention_score_range(how, q16_rows, k16_rows, false, observed.data(), {});
  cuda::store_range(observed.data(), range_alone.data(), {});
  cuda::clear(observed.data(), {});
  const std::int64_t kept_queries =
      cuda::optical_attention_is_one_chunk(e) ? std::min(e.queries, c.kept_queries) : 0;
  const cuda::CodeBytes bytes = cuda::optical_attention_code_bytes(e, c.levels, kept_queries);
  const tests::CudaBuffer<unsigned char> kept(bytes.kept), rest(bytes.rest);
  const AttentionCodes codes{kept.data(), kept_queries, rest.data()};
  cuda::optical_attention_forward(how, q16_rows, k16_rows, v16_rows, v_rows, codes, context.data(),
                                  rows, observed.data(), {});
  cuda::store_range(observed.data(), range.data(), {});
  if (cuda::optical_attention_is_one_chunk(e)) {
    expect_the_same_read_out(c, how, {q16_rows, k16_rows, v16_rows, v_rows}, codes, rows, context);
  }
  const tests::CudaBuffer<unsigned char> scratch(cuda::optical_attention_gradient_bytes(e));
  const auto result = [&](const tests::CudaBuffer<__nv_bfloat16>& rows_of, std::int64_t heads,
                          std::int64_t count) {
    return ResultRows{rows_of.data(), heads * count * e.head_dim, count * e.head_dim, e.head_dim};
  };
  std::vector<int> visible_codes;
  if (kept_queries == e.queries) visible_codes = codes_of(c, kept.host());
  EXPECT_EQ(cudaMemset(rest.data(), 0xAB, bytes.rest), cudaSuccess);
  const tests::CudaBuffer<__nv_bfloat16> dq(in.q.size()), dk(in.k.size()), dv(in.v.size());
  const bool quantises = c.clip || kept_queries < e.queries;
  cuda::optical_attention_gradient(
      how, codes, quantises ? q16_rows : HeadRows{}, quantises ? k16_rows : HeadRows{}, q_rows,
      k_rows, v_rows, g_rows, rows, scratch.data(), result(dq, e.heads, e.queries),
      result(dk, e.kv_heads, e.keys), result(dv, e.kv_heads, e.keys), {});
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(range.host(), range_alone.host());
  return {context.host(),      as_float(dq.host()), as_float(dk.host()),
          as_float(dv.host()), visible_codes,       {range.host()[0], range.host()[1]}};
}

// bf16 carries the weights of the gradient's sums: 2^-9 each.
constexpr double kGradientDistance = 6e-3;

void expect_like_the_reference(const Case& c) {
  const Inputs in(c.extent);
  const Outcome right = expected(c, in);
  const Outcome ours = on_device(c, in);
  EXPECT_EQ(ours.scores.lo, right.scores.lo);
  EXPECT_EQ(ours.scores.hi, right.scores.hi);
  if (!ours.codes.empty()) {
    EXPECT_EQ(ours.codes, right.codes);
  }
  // The exponential differs in the last places, so a code of P moves now and then.
  EXPECT_LT(distance(ours.context, right.context), 2e-3);
  EXPECT_LT(distance(ours.dq, right.dq), kGradientDistance);
  EXPECT_LT(distance(ours.dk, right.dk), kGradientDistance);
  EXPECT_LT(distance(ours.dv, right.dv), kGradientDistance);
}

TEST(OpticalAttentionCuda, EqualsTheReferenceOnWholeTiles) {
  SKIP_WITHOUT_DEVICE();
  expect_like_the_reference({{2, 6, 2, 128, 128, 64}});
  expect_like_the_reference({{1, 4, 2, 128, 128, 32}});
  expect_like_the_reference({{2, 6, 2, 128, 128, 64}, true, false, kTwoBytes});
}

TEST(OpticalAttentionCuda, EqualsTheReferenceOnRaggedTiles) {
  SKIP_WITHOUT_DEVICE();
  for (const auto& [queries, keys] :
       {std::pair{1, 4}, {3, 20}, {65, 68}, {200, 200}, {37, 260}, {130, 132}}) {
    SCOPED_TRACE(std::to_string(queries) + " queries, " + std::to_string(keys) + " keys");
    expect_like_the_reference({{1, 3, 1, queries, keys, 64}});
    expect_like_the_reference({{1, 3, 1, queries, keys, 32}, true, false, kTwoBytes});
  }
}

TEST(OpticalAttentionCuda, EqualsTheReferenceWhereABlockTakesAllHeadsOfAKey) {
  SKIP_WITHOUT_DEVICE();
  expect_like_the_reference({{130, 16, 8, 20, 24, 32}});
}

TEST(OpticalAttentionCuda, EqualsTheReferenceInChunksOfQueries) {
  SKIP_WITHOUT_DEVICE();
  for (const auto& [queries, keys] : {std::pair{1100, 2052}, {2048, 4100}}) {
    const AttentionExtent extent{1, 2, 1, queries, keys, 32};
    ASSERT_FALSE(cuda::optical_attention_is_one_chunk(extent));
    expect_like_the_reference({extent});
  }
}

TEST(OpticalAttentionCuda, TheCodesOfALongSequenceTakeMemoryThatGrowsLinearly) {
  const auto bytes = [](std::int64_t keys) {
    return cuda::optical_attention_code_bytes({1, 1, 1, keys, keys, 64}, 256, 0).rest;
  };
  EXPECT_LE(bytes(2048), 1100 * 2048);
  for (const std::int64_t keys : {4096, 16384, 131072}) EXPECT_LE(bytes(keys), 1100 * keys) << keys;
}

TEST(OpticalAttentionCuda, EqualsTheReferenceWhereCountersOfTheNoisePass32Bits) {
  SKIP_WITHOUT_DEVICE();
  Case c{{1, 3, 1, 200, 200, 64}};
  c.first_element = (std::uint64_t{4} << 32) - 4 * (200 / 4 * 70 + 3);  // in row 70, at key 12
  expect_like_the_reference(c);
}

TEST(OpticalAttentionCuda, EqualsTheReferenceWhereScoresSpanMoreThanTheExponentsOfAFloat) {
  SKIP_WITHOUT_DEVICE();
  // 5.5 * 20 * log2(e) = 159
  for (const float scale : {8.0f, 20.0f}) {
    Case c{{1, 3, 1, 200, 200, 64}};
    c.scale = scale;
    expect_like_the_reference(c);
  }
}

TEST(OpticalAttentionCuda, KeepsTheCodesThatFitAMemory) {
  const AttentionExtent extent{2, 3, 1, 2048, 2048, 64};
  const std::int64_t half = 544 * 2 * 3 * 2048;
  const std::int64_t kept = cuda::optical_attention_kept_queries(extent, 256, half);
  EXPECT_GT(kept, 1024);
  EXPECT_LT(kept, 2048);
  EXPECT_EQ(kept % 64, 0);
  const cuda::CodeBytes bytes = cuda::optical_attention_code_bytes(extent, 256, kept);
  EXPECT_LE(bytes.kept, half);
  EXPECT_GT(bytes.kept, half * 9 / 10);
  EXPECT_EQ(bytes.kept + bytes.rest, cuda::optical_attention_code_bytes(extent, 256, 0).rest);
  EXPECT_EQ(cuda::optical_attention_kept_queries(extent, 256, 2 * half), 2048);
  EXPECT_EQ(cuda::optical_attention_kept_queries({2, 3, 1, 1000, 1000, 64}, 256, half), 1000);
  EXPECT_EQ(cuda::optical_attention_kept_queries({2, 3, 1, 4096, 4096, 64}, 256, 16 * half), 0);
}

TEST(OpticalAttentionCuda, EqualsTheReferenceWithoutNoise) {
  SKIP_WITHOUT_DEVICE();
  expect_like_the_reference({{1, 6, 2, 96, 96, 64}, /*noisy=*/false});
}

TEST(OpticalAttentionCuda, ClipsTheGradientOfScoresOutsideTheirRange) {
  SKIP_WITHOUT_DEVICE();
  expect_like_the_reference({{1, 6, 2, 96, 96, 64}, /*noisy=*/true, /*clip=*/true});
  expect_like_the_reference({{1, 6, 2, 96, 96, 64}, /*noisy=*/true, /*clip=*/true, kTwoBytes});
}

TEST(OpticalAttentionCuda, CodesMadeAgainAreTheSame) {
  SKIP_WITHOUT_DEVICE();
  for (const std::int32_t levels : {kOneByte, kTwoBytes}) {
    Case c{{2, 6, 2, 200, 200, 64}, true, false, levels};
    const Inputs in(c.extent);
    const Outcome kept = on_device(c, in);
    for (const std::int64_t some : {0, 64, 128}) {
      c.kept_queries = some;
      const Outcome again = on_device(c, in);
      EXPECT_EQ(kept.context, again.context);
      EXPECT_EQ(kept.dq, again.dq);
      EXPECT_EQ(kept.dk, again.dk);
      EXPECT_EQ(kept.dv, again.dv);
    }
  }
}

TEST(OpticalAttentionCuda, RowsThatSeeNoKeyAreZero) {
  SKIP_WITHOUT_DEVICE();
  const Case c{{1, 2, 1, 96, 32, 64}};
  expect_like_the_reference(c);
  const Outcome ours = on_device(c, Inputs(c.extent));
  for (int i = 0; i < 64 * 64; ++i) ASSERT_EQ(ours.context[i], 0.0f) << i;
}

TEST(OpticalAttentionCuda, RepeatsItsBits) {
  SKIP_WITHOUT_DEVICE();
  const Case c{{2, 6, 2, 200, 200, 64}};
  const Inputs in(c.extent);
  const Outcome once = on_device(c, in);
  const Outcome again = on_device(c, in);
  EXPECT_EQ(once.context, again.context);
  EXPECT_EQ(once.dq, again.dq);
  EXPECT_EQ(once.dk, again.dk);
  EXPECT_EQ(once.dv, again.dv);
}

TEST(OpticalAttentionCuda, OneSequenceOfABatchIsThatSequenceAlone) {
  SKIP_WITHOUT_DEVICE();
  const AttentionExtent two{2, 2, 1, 68, 68, 64};
  AttentionExtent one = two;
  one.batch = 1;
  const Inputs both(two);
  Inputs first(two);
  for (auto* values : {&first.q, &first.k, &first.v, &first.g}) values->resize(values->size() / 2);
  const Outcome whole = on_device({two}, both);
  const Outcome part = on_device({one}, first);
  for (std::size_t i = 0; i < part.context.size(); ++i) {
    ASSERT_EQ(whole.context[i], part.context[i]) << i;
  }
}

}  // namespace
}  // namespace kernels

#endif
