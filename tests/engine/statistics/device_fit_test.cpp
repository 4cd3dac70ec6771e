// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/device_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace {

using namespace engine;

/// A device with everything that may be wrong with it.
struct Planted {
  double gain = 1, offset = 0, noise = 0;
  double fixed_error = 0;  ///< of each element, the same in every repeat
  double drift = 0;        ///< of the offset, per repeat
  std::int64_t repeats = 1;
  std::int64_t elements = 256;
  std::int64_t channels = 16;
  bool is_uniform = false;  ///< noise of that standard deviation, uniform instead of normal
};

struct Lab {
  std::vector<double> exact, values;
  Planted planted;

  explicit Lab(const Planted& device, std::uint32_t seed) : planted(device) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform(-std::sqrt(3.0), std::sqrt(3.0));
    std::vector<double> fixed;
    for (std::int64_t i = 0; i < device.elements; ++i) {
      exact.push_back(0.3 + 2 * normal(generator));
      fixed.push_back(device.fixed_error * normal(generator));
    }
    for (std::int64_t r = 0; r < device.repeats; ++r) {
      for (std::int64_t i = 0; i < device.elements; ++i) {
        const double noise = device.is_uniform ? uniform(generator) : normal(generator);
        values.push_back(device.offset + device.gain * exact[i] + fixed[i] +
                         device.drift * static_cast<double>(r) + device.noise * noise);
      }
    }
  }

  DeviceFit fit(double confidence = 0.99) const {
    return fit_device({exact, values, planted.repeats, planted.channels}, confidence);
  }
};

int trials_recovered(const Planted& planted) {
  int recovered = 0;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    const DeviceFit fit = Lab(planted, seed).fit();
    if (fit.gain.contains(planted.gain) && fit.offset.contains(planted.offset) &&
        fit.noise.contains(planted.noise)) {
      ++recovered;
    }
  }
  return recovered;
}

TEST(DeviceFit, RecoversAPlantedGainOffsetAndNoiseInItsIntervals) {
  EXPECT_GE(trials_recovered({.gain = 0.93, .offset = -0.04, .noise = 0.05}), 95);
  EXPECT_GE(trials_recovered({.gain = 0.93, .offset = -0.04, .noise = 0.05, .repeats = 8}), 95);
  EXPECT_GE(trials_recovered({.gain = 1.2, .offset = 3, .noise = 0.5, .elements = 12}), 95);
  EXPECT_GE(trials_recovered({.gain = 0.5, .noise = 0.2, .repeats = 4, .is_uniform = true}), 95);
}

TEST(DeviceFit, RecoversThemBesideFixedErrorsOfTheElements) {
  // Repeats are no new elements: intervals that took them so would be too narrow here.
  EXPECT_GE(trials_recovered(
                {.gain = 0.9, .offset = 0.1, .noise = 0.02, .fixed_error = 0.2, .repeats = 16}),
            95);
}

TEST(DeviceFit, ItsIntervalsAreNotWiderThanTheyMustBe) {
  // A planted value that is off by five standard errors is not in them.
  int found = 0;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    const DeviceFit fit = Lab({.gain = 1, .noise = 0.1}, seed).fit();
    const double error = 0.1 / (2 * std::sqrt(256.0));
    if (fit.gain.contains(1 + 5 * error)) ++found;
    EXPECT_LT(fit.noise.high / fit.noise.low, 1.4);
  }
  EXPECT_LE(found, 5);
}

TEST(DeviceFit, RepeatsTellNoiseFromFixedErrorAndDrift) {
  const DeviceFit fit = Lab({.gain = 0.9,
                             .noise = 0.05,
                             .fixed_error = 0.2,
                             .drift = 0.03,
                             .repeats = 20,
                             .elements = 1000},
                            7)
                            .fit();
  EXPECT_TRUE(fit.noise.contains(0.05)) << fit.noise.value;
  EXPECT_NEAR(fit.fixed_error, 0.2, 0.02);
  EXPECT_NEAR(fit.drift.value, 0.03, 0.002);
  EXPECT_GT(fit.drift.low, 0);
  ASSERT_EQ(fit.repeat_errors.size(), 20u);
  EXPECT_NEAR(fit.repeat_errors[19].mean - fit.repeat_errors[0].mean, 19 * 0.03, 0.01);
  const DeviceFit single = Lab({.noise = 0.05, .fixed_error = 0.2}, 7).fit();
  EXPECT_TRUE(std::isnan(single.fixed_error));
  EXPECT_NEAR(single.noise.value, std::hypot(0.05, 0.2), 0.03);
}

TEST(DeviceFit, FindsTheChannelThatIsOff) {
  Lab lab({.noise = 0.05, .repeats = 3, .elements = 800}, 3);
  for (std::size_t i = 0; i < lab.values.size(); ++i) {
    if (i % 16 == 5) lab.values[i] += 0.2;
  }
  const DeviceFit fit = lab.fit();
  ASSERT_EQ(fit.channel_errors.size(), 16u);
  for (const ChannelError& channel : fit.channel_errors) {
    const bool is_off = channel.mean.low > 0.1;
    EXPECT_EQ(is_off, channel.channel == 5) << channel.channel;
    EXPECT_NEAR(channel.gain, 1, 0.1);
  }
}

TEST(DeviceFit, ResidualsAgainstSignalShowSaturation) {
  Lab lab({.elements = 2000}, 5);
  for (double& value : lab.values) value = std::min(value, 2.0);
  const DeviceFit fit = lab.fit();
  ASSERT_EQ(fit.signal.size(), 10u);
  EXPECT_LT(fit.signal.back().mean, -0.3);
  EXPECT_GT(fit.signal[6].mean, 0);
  std::int64_t elements = 0;
  for (const SignalBin& bin : fit.signal) elements += bin.elements;
  EXPECT_EQ(elements, 2000);
}

TEST(DeviceFit, LeavesOutWhatIsNotFinite) {
  Lab lab({.noise = 0.01, .repeats = 2}, 1);
  lab.values[3] = std::nan("");
  lab.values[256 + 9] = INFINITY;
  const DeviceFit fit = lab.fit();
  EXPECT_EQ(fit.non_finite, 2);
  EXPECT_EQ(fit.elements, 254);
  EXPECT_NEAR(fit.gain.value, 1, 0.01);
}

TEST(DeviceFit, SaysWhenNothingCanBeTold) {
  const std::vector<double> same(10, 2.0), two = {1, 2};
  EXPECT_TRUE(std::isnan(fit_device({same, same, 1, 1}, 0.99).gain.value));
  EXPECT_TRUE(std::isnan(fit_device({two, two, 1, 1}, 0.99).gain.value));
  const DeviceFit exact = fit_device({{{1.0, 2.0, 3.0}}, {{1.0, 2.0, 3.0}}, 1, 3}, 0.99);
  EXPECT_EQ(exact.gain.value, 1);
  EXPECT_EQ(exact.noise.value, 0);
  EXPECT_TRUE(std::isinf(exact.sqnr_db));
}

TEST(EstimatedSpread, IsWiderForHeavyTails) {
  const Estimate normal = estimated_spread(99, 99, 0, 100, 0.95);
  EXPECT_NEAR(normal.low, std::sqrt(99 / 128.4219886), 1e-6);  // tables: 128.422, 73.361
  EXPECT_NEAR(normal.high, std::sqrt(99 / 73.36108019), 1e-6);
  const Estimate heavy = estimated_spread(99, 99, 6, 100, 0.95);
  EXPECT_GT(heavy.high - heavy.low, 1.8 * (normal.high - normal.low));
}

}  // namespace
