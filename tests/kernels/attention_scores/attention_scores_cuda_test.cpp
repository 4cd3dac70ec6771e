// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention_scores/attention_scores.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <algorithm>
#include <cmath>
#include <random>

namespace kernels {
namespace {

constexpr float kSoftmaxTolerance = 2e-6f;  // relative, as of the vectorised CPU version
constexpr std::int64_t kQueries = 7;        // of a head, in the noise's index

std::vector<float> normal_values(std::int64_t count, float sigma, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, sigma);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

// Rows shorter and longer than what a block of threads holds in registers, tails, no visible key.
std::vector<cuda::ScoreTiles> all_tiles() {
  std::vector<cuda::ScoreTiles> all;
  for (const ScoreTile& tile : std::vector<ScoreTile>{{1, 1, 1, 1},
                                                      {3, 5, 3, 5},
                                                      {4, 33, 1, 40},
                                                      {2, 1021, 900, 1021},
                                                      {3, 40, -1, 40},
                                                      {5, 64, 64, 64},
                                                      {2, 2500, 2499, 3000},
                                                      {2, 4097, 4096, 4097},
                                                      {2, 9001, 8000, 9001}}) {
    for (const std::int64_t count : {1, 3}) all.push_back({tile, count, kQueries * tile.keys});
  }
  return all;
}

std::int64_t size_of(const cuda::ScoreTiles& tiles) {
  return tiles.count * tiles.tile.rows * tiles.tile.cols;
}

/// One head after the other through the reference.
template <typename Work>
void for_heads(const cuda::ScoreTiles& tiles, const Work& work) {
  for (std::int64_t head = 0; head < tiles.count; ++head) {
    work(head * tiles.tile.rows * tiles.tile.cols, head * tiles.element_step);
  }
}

Range observed_range(const tests::CudaBuffer<int>& observed) {
  const tests::CudaBuffer<float> range(2);
  cuda::store_range(observed.data(), range.data(), {});
  const auto host = range.host();
  return {host[0], host[1]};
}

TEST(AttentionScoresCuda, ProbabilitiesMatchTheReference) {
  SKIP_WITHOUT_DEVICE();
  const std::vector<float> range = {-20.0f, 22.0f};
  const tests::CudaBuffer<float> device_range(range);
  for (const cuda::ScoreTiles& tiles : all_tiles()) {
    const auto scores = normal_values(size_of(tiles), 8, 3);
    for (const bool noisy : {false, true}) {
      for (const std::uint64_t first : {std::uint64_t{0}, (std::uint64_t{1} << 33) + 77}) {
        ScoreReadOut how{{256, range.data(), noisy, {5, {2, 0}, first}, nullptr}, 0.35f};
        std::vector<float> expected(scores.size());
        Range seen;
        for_heads(tiles, [&](std::int64_t begin, std::int64_t element) {
          ScoreReadOut head = how;
          head.read_out.noise = how.read_out.noise.at(element);
          seen = merge(seen, reference::probabilities(tiles.tile, scores.data() + begin, head,
                                                      expected.data() + begin));
        });
        const tests::CudaBuffer<float> in_and_out(scores);
        const tests::CudaBuffer<int> observed(3);
        how.read_out.range = device_range.data();
        cuda::clear(observed.data(), {});
        cuda::probabilities(tiles, in_and_out.data(), how, {}, in_and_out.data(), ElementType::fp32,
                            observed.data(), {});
        EXPECT_EQ(observed_range(observed).lo, seen.lo);
        EXPECT_EQ(observed_range(observed).hi, seen.hi);
        const auto actual = in_and_out.host();
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_NEAR(actual[i], expected[i], kSoftmaxTolerance * expected[i] + 1e-11f)
              << i << " of " << tiles.count << " x " << tiles.tile.rows << " x " << tiles.tile.cols;
        }
      }
    }
  }
}

// exp(0) / sum is 1 / (number of greatest levels) where all others are far away: with a scale this
// large the probabilities spell out which level each score was read as.
TEST(AttentionScoresCuda, TheReadOutHasTheBitsOfTheReference) {
  SKIP_WITHOUT_DEVICE();
  const ScoreTile tile{4, 777, 770, 900};
  const cuda::ScoreTiles tiles{tile, 2, kQueries * tile.keys};
  const auto scores = normal_values(size_of(tiles), 1, 9);
  const std::vector<float> range = {-3, 3};
  const tests::CudaBuffer<float> device_range(range);
  const NoiseStream noise{5, {2, 0}, 3};
  const tests::CudaBuffer<float> in(scores), out(scores.size());
  cuda::probabilities(tiles, in.data(), {{16, device_range.data(), true, noise, nullptr}, 1e4f}, {},
                      out.data(), ElementType::fp32, nullptr, {});
  const auto actual = out.host();
  for (std::int64_t head = 0; head < 2; ++head) {
    for (std::int64_t row = 0; row < tile.rows; ++row) {
      const std::int64_t begin = (head * tile.rows + row) * tile.cols;
      std::vector<float> level(static_cast<std::size_t>(tile.visible(row)));
      const ReadOut how{16, range.data(), true,
                        noise.at(head * tiles.element_step + row * tile.keys), nullptr};
      reference::read_out(scores.data() + begin, 1, tile.visible(row), how, level.data(),
                          tile.visible(row));
      const float greatest = *std::max_element(level.begin(), level.end());
      const auto ties = std::count(level.begin(), level.end(), greatest);
      for (std::int64_t key = 0; key < tile.cols; ++key) {
        const bool wins = key < tile.visible(row) && level[key] == greatest;
        ASSERT_EQ(actual[begin + key], wins ? 1.0f / static_cast<float>(ties) : 0.0f) << key;
      }
    }
  }
}

TEST(AttentionScoresCuda, QuantisedProbabilitiesAreTheQuantisersOfTheUnquantised) {
  SKIP_WITHOUT_DEVICE();
  const tests::CudaBuffer<float> range({-9, 9}), partner({-600, 500});
  for (const cuda::ScoreTiles& tiles : all_tiles()) {
    const auto size = static_cast<std::size_t>(size_of(tiles));
    const auto scores = normal_values(size_of(tiles), 3, 4);
    const ScoreReadOut how{{256, range.data(), true, {5, {2, 0}, 1}, nullptr}, 0.5f};
    const tests::CudaBuffer<float> in(scores), plain(size), quantised(size);
    const tests::CudaBuffer<std::uint16_t> half(size), expected_half(size);
    cuda::probabilities(tiles, in.data(), how, {}, plain.data(), ElementType::fp32, nullptr, {});
    cuda::probabilities(tiles, in.data(), how, {64, nullptr}, quantised.data(), ElementType::fp32,
                        nullptr, {});
    cuda::probabilities(tiles, in.data(), how, {64, partner.data()}, half.data(), ElementType::fp16,
                        nullptr, {});
    const auto p = plain.host();
    const float unit_interval[2] = {0, 1};
    std::vector<float> expected(size);
    reference::quantise(p.data(), size_of(tiles), 64, unit_interval, 0, expected.data());
    EXPECT_EQ(quantised.host(), expected);
    const tests::CudaBuffer<float> unit({0, 1});
    cuda::quantise(plain.data(), ElementType::fp32, size_of(tiles), 64, unit.data(), 0,
                   expected_half.data(), ElementType::fp16, {}, partner.data());
    EXPECT_EQ(half.host(), expected_half.host());
  }
}

TEST(AttentionScoresCuda, ARowWithNaNBecomesNaNAndOthersDoNot) {
  SKIP_WITHOUT_DEVICE();
  const tests::CudaBuffer<float> range({-4, 4});
  auto scores = normal_values(2 * 50, 2, 1);
  scores[60] = NAN;
  const tests::CudaBuffer<float> x(scores);
  cuda::probabilities({{2, 50, 50, 50}}, x.data(), {{256, range.data(), true, {}, nullptr}, 1.0f},
                      {}, x.data(), ElementType::fp32, nullptr, {});
  const auto p = x.host();
  for (int j = 0; j < 50; ++j) {
    EXPECT_TRUE(std::isfinite(p[j]));
    EXPECT_TRUE(std::isnan(p[50 + j]));
  }
}

TEST(AttentionScoresCuda, VisibleRangeAndCountsAreTheReferences) {
  SKIP_WITHOUT_DEVICE();
  for (const cuda::ScoreTiles& tiles : all_tiles()) {
    const auto scores = normal_values(size_of(tiles), 3, 8);
    Range expected;
    for_heads(tiles, [&](std::int64_t begin, std::int64_t) {
      expected = merge(expected, reference::visible_range(tiles.tile, scores.data() + begin));
    });
    const tests::CudaBuffer<float> in(scores), extent({expected.lo, expected.hi}), quantiles(2);
    const tests::CudaBuffer<int> observed(3);
    const tests::CudaBuffer<unsigned long long> counts(Histogram::kBins);
    cuda::clear(observed.data(), {});
    cuda::observe_visible(tiles, in.data(), observed.data(), {});
    EXPECT_EQ(observed_range(observed).lo, expected.lo);
    EXPECT_EQ(observed_range(observed).hi, expected.hi);

    Histogram histogram(expected);
    for_heads(tiles, [&](std::int64_t begin, std::int64_t) {
      for (std::int64_t row = 0; row < tiles.tile.rows; ++row) {
        histogram.add(scores.data() + begin + row * tiles.tile.cols, tiles.tile.visible(row));
      }
    });
    cuda::clear_histogram(counts.data(), {});
    cuda::count_visible(tiles, in.data(), extent.data(), counts.data(), {});
    cuda::store_quantiles(counts.data(), extent.data(), 0.01, 0.98, quantiles.data(), {});
    EXPECT_EQ(quantiles.host()[0], histogram.quantile(0.01));
    EXPECT_EQ(quantiles.host()[1], histogram.quantile(0.98));

    const tests::CudaBuffer<float> range({-3, 5});
    const tests::CudaBuffer<unsigned long long> outside(std::vector<unsigned long long>{7});
    unsigned long long expected_outside = 7;
    for_heads(tiles, [&](std::int64_t begin, std::int64_t) {
      for (std::int64_t row = 0; row < tiles.tile.rows; ++row) {
        const float* const first = scores.data() + begin + row * tiles.tile.cols;
        expected_outside += std::count_if(first, first + tiles.tile.visible(row),
                                          [](float score) { return score < -3 || score > 5; });
      }
    });
    cuda::count_visible_outside(tiles, in.data(), range.data(), outside.data(), {});
    EXPECT_EQ(outside.host()[0], expected_outside);
  }
}

TEST(AttentionScoresCuda, DropHasTheBitsOfTheReference) {
  SKIP_WITHOUT_DEVICE();
  for (const cuda::ScoreTiles& tiles : all_tiles()) {
    auto expected = normal_values(size_of(tiles), 1, 2);
    const tests::CudaBuffer<float> x(expected);
    const NoiseStream noise{9, {1, 1}, 13};
    cuda::drop(tiles, 0.25f, noise, x.data(), {});
    for_heads(tiles, [&](std::int64_t begin, std::int64_t element) {
      reference::drop(tiles.tile, 0.25f, noise.at(element), expected.data() + begin);
    });
    EXPECT_EQ(x.host(), expected);
  }
}

TEST(AttentionScoresCuda, GradientMatchesTheReference) {
  SKIP_WITHOUT_DEVICE();
  const float clip[2] = {-5, 6};
  const tests::CudaBuffer<float> device_clip({-5, 6});
  for (const cuda::ScoreTiles& tiles : all_tiles()) {
    const auto scores = normal_values(size_of(tiles), 4, 5);
    std::vector<float> p(scores.size());
    const float range[2] = {-30, 30};
    for_heads(tiles, [&](std::int64_t begin, std::int64_t) {
      reference::probabilities(tiles.tile, scores.data() + begin,
                               {{65536, range, false, {}, nullptr}, 0.5f}, p.data() + begin);
    });
    for (const bool clips : {false, true}) {
      auto expected = normal_values(size_of(tiles), 1, 6);
      const tests::CudaBuffer<float> in(scores), probability(p), gradient(expected);
      cuda::score_gradient(tiles, probability.data(), 0.5f, in.data(),
                           clips ? device_clip.data() : nullptr, gradient.data(), gradient.data(),
                           ElementType::fp32, {});
      for_heads(tiles, [&](std::int64_t begin, std::int64_t) {
        reference::score_gradient(tiles.tile, p.data() + begin, 0.5f, scores.data() + begin,
                                  clips ? clip : nullptr, expected.data() + begin);
      });
      const auto actual = gradient.host();
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(actual[i], expected[i], 1e-6f) << i << " of " << tiles.tile.cols;
      }
    }
  }
}

// Everything is asynchronous on the given stream and reads nothing back, or capture would fail. A
// replay follows the clock: the same graph draws the noise of the step that the clock then shows.
TEST(AttentionScoresCuda, ASequenceCanBeCapturedAndFollowsTheClock) {
  SKIP_WITHOUT_DEVICE();
  const cuda::ScoreTiles tiles{{6, 300, 100, 300}, 2, kQueries * 300};
  const auto size = static_cast<std::size_t>(size_of(tiles));
  const auto scores = normal_values(size_of(tiles), 3, 8);
  const tests::CudaBuffer<float> in(scores), out(size), direct(size), range({INFINITY, -INFINITY}),
      seen(2);
  const tests::CudaBuffer<int> observed(3), rejected(std::vector<int>{0});
  const tests::CudaBuffer<NoiseTime> clock(std::vector<NoiseTime>{{0, 0}});
  ScoreReadOut how{{256, range.data(), true, {5, {0, 0}, 3, clock.data()}, nullptr}, 0.5f};

  cudaStream_t stream;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  const Stream captured{stream};
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  cuda::clear(observed.data(), captured);
  cuda::observe_visible(tiles, in.data(), observed.data(), captured);
  cuda::store_range(observed.data(), seen.data(), captured);
  cuda::update_range(range.data(), seen.data(), 0.9f, rejected.data(), captured);
  cuda::probabilities(tiles, in.data(), how, {256, nullptr}, out.data(), ElementType::fp32,
                      observed.data(), captured);
  cudaGraph_t graph;
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  cudaGraphExec_t executable;
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);

  std::vector<float> last;
  for (const std::uint32_t step : {0u, 1u, 5u}) {
    const NoiseTime now{step, 0};
    ASSERT_EQ(cudaMemcpy(clock.data(), &now, sizeof(now), cudaMemcpyHostToDevice), cudaSuccess);
    ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    ScoreReadOut by_value = how;
    by_value.read_out.noise.clock = nullptr;
    by_value.read_out.noise.time = now;
    cuda::probabilities(tiles, in.data(), by_value, {256, nullptr}, direct.data(),
                        ElementType::fp32, nullptr, {});
    const auto replayed = out.host();
    EXPECT_EQ(replayed, direct.host());
    EXPECT_NE(replayed, last);
    last = replayed;
  }
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace kernels

#else
TEST(AttentionScoresCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
