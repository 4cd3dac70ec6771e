// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/adamw/adamw.h"
#include "kernels/bit_flip/word_format.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <bit>
#include <cmath>
#include <cstddef>
#include <deque>
#include <random>
#include <vector>

namespace kernels {
namespace {

using tests::CudaBuffer;

constexpr double kRate = 3e-3, kBeta1 = 0.9, kBeta2 = 0.95, kEpsilon = 1e-8, kDecay = 0.1;

/// One tensor on both sides, the host's in double precision.
struct Both {
  explicit Both(std::size_t count, unsigned seed) : w(count), g(count), m(count), v(count) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> weights(count), gradients(count);
    for (std::size_t i = 0; i < count; ++i) {
      w[i] = weights[i] = normal(random);
      g[i] = gradients[i] = 0.1f * normal(random);
    }
    weight.emplace_back(weights);
    gradient.emplace_back(gradients);
    exp_avg.emplace_back(std::vector<float>(count));
    exp_avg_sq.emplace_back(std::vector<float>(count));
    copy.emplace_back(count);
  }
  cuda::AdamWTensor tensor(std::size_t offset = 0) const {
    return {weight[0].data() + offset,  gradient[0].data() + offset,
            exp_avg[0].data() + offset, exp_avg_sq[0].data() + offset,
            copy[0].data() + offset,    static_cast<std::int64_t>(w.size() - offset)};
  }
  void update(int t, double divisor, std::size_t offset = 0) {
    for (std::size_t i = offset; i < w.size(); ++i) {
      const double gradient_of = g[i] / divisor;
      m[i] = kBeta1 * m[i] + (1 - kBeta1) * gradient_of;
      v[i] = kBeta2 * v[i] + (1 - kBeta2) * gradient_of * gradient_of;
      w[i] -= kRate * kDecay * w[i];
      w[i] -= kRate / (1 - std::pow(kBeta1, t)) * m[i] /
              (std::sqrt(v[i]) / std::sqrt(1 - std::pow(kBeta2, t)) + kEpsilon);
    }
  }

  std::vector<double> w, g, m, v;
  std::deque<CudaBuffer<float>> weight, gradient, exp_avg, exp_avg_sq;
  std::deque<CudaBuffer<std::uint16_t>> copy;
};

TEST(AdamWCuda, IsTheEquationForTensorsOfEverySizeAndWritesCopies) {
  SKIP_WITHOUT_DEVICE();
  std::deque<Both> all;
  std::vector<cuda::AdamWTensor> tensors;
  for (unsigned i = 0; i < 101; ++i) {  // more than one launch takes
    all.emplace_back(i % 5 == 0 ? 20'001 : i, i);
    tensors.push_back(all.back().tensor(i == 10 ? 1 : 0));  // one that lies askew
  }
  const CudaBuffer<float> divisor(std::vector<float>{2.5f}), found_inf(std::vector<float>{0});
  for (int t = 1; t <= 4; ++t) {
    const CudaBuffer<float> step(std::vector<float>{static_cast<float>(t)});
    cuda::adamw(
        tensors,
        {kRate, kBeta1, kBeta2, kEpsilon, kDecay, step.data(), divisor.data(), found_inf.data()},
        {});
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].update(t, 2.5, i == 10 ? 1 : 0);
  }
  for (const Both& one : all) {
    const auto w = one.weight[0].host(), m = one.exp_avg[0].host(), v = one.exp_avg_sq[0].host();
    const auto copy = one.copy[0].host();
    for (std::size_t i = 0; i < w.size(); ++i) {
      ASSERT_NEAR(w[i], one.w[i], 2e-6 * (1 + std::abs(one.w[i])));
      ASSERT_NEAR(m[i], one.m[i], 1e-7);
      ASSERT_NEAR(v[i], one.v[i], 1e-8);
      const bool is_written = &one != &all[10] || i > 0;
      if (!is_written) continue;
      ASSERT_EQ(copy[i], bf16_from_fp32(std::bit_cast<std::uint32_t>(w[i])));
    }
  }
}

TEST(AdamWCuda, ChangesNothingWhenTheGradientsAreNotFinite) {
  SKIP_WITHOUT_DEVICE();
  const Both one(3000, 7);
  const auto before = one.weight[0].host();
  const CudaBuffer<float> nan(std::vector<float>{NAN}), found_inf(std::vector<float>{1}),
      step(std::vector<float>{0});
  const std::vector<cuda::AdamWTensor> tensors = {one.tensor()};
  cuda::adamw(tensors,
              {kRate, kBeta1, kBeta2, kEpsilon, kDecay, step.data(), nan.data(), found_inf.data()},
              {});
  EXPECT_EQ(one.weight[0].host(), before);
  EXPECT_EQ(one.exp_avg[0].host(), std::vector<float>(3000));
}

}  // namespace
}  // namespace kernels

#else
TEST(AdamWCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
