// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/noise_checks.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace engine {
namespace {

// Samples are summed in pieces of this size, each in eight independent sums; the pieces' totals
// then lose nothing that matters among 10^12 samples.
constexpr std::int64_t kPiece = 4096;
constexpr int kLanes = 8;

// Below this many expected events the binomial distribution is summed term by term.
constexpr double kFewEvents = 500;

template <typename Term>
double sum_of(std::int64_t count, const Term& term) {
  double total = 0;
  for (std::int64_t begin = 0; begin < count; begin += kPiece) {
    const std::int64_t end = std::min(begin + kPiece, count);
    double lanes[kLanes] = {};
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
    }
    for (int lane = 0; i < end; ++i, ++lane) lanes[lane] += term(i);
    for (const double lane : lanes) total += lane;
  }
  return total;
}

NoiseCheck around(std::string name, double value, double expected, double margin,
                  std::int64_t samples) {
  return {.name = std::move(name),
          .value = value,
          .expected = expected,
          .lower = expected - margin,
          .upper = expected + margin,
          .samples = samples,
          .pass = samples > 0 && std::abs(value - expected) <= margin};
}

/// The counts of `trials` rare events that leave at most `tail` probability below and above.
std::pair<std::int64_t, std::int64_t> binomial_bounds(std::int64_t trials, double probability,
                                                      double tail) {
  const double odds = probability / (1 - probability);
  double term = std::exp(static_cast<double>(trials) * std::log1p(-probability));
  double below = 0;  // P(X < k)
  std::int64_t k = 0;
  std::int64_t least = 0;
  while (k < trials && below + term <= 1 - tail) {
    if (below + term <= tail) least = k + 1;
    below += term;
    term *= odds * static_cast<double>(trials - k) / static_cast<double>(k + 1);
    ++k;
    // Rounding can keep `below` from ever coming near 1: past the peak a vanished term ends it.
    if (term < tail * 1e-9 && static_cast<double>(k) > static_cast<double>(trials) * probability)
      break;
  }
  return {least, k};
}

}  // namespace

double confidence(double bounds) { return std::erf(bounds / std::numbers::sqrt2); }

void NoiseSums::add(const float* x, std::int64_t count) {
  count_ += count;
  sum_ += sum_of(count, [&](std::int64_t i) { return static_cast<double>(x[i]); });
  squares_ += sum_of(count, [&](std::int64_t i) { return static_cast<double>(x[i]) * x[i]; });
}

double NoiseSums::mean() const { return sum_ / static_cast<double>(count_); }

double NoiseSums::variance() const {
  return std::max(0.0, squares_ / static_cast<double>(count_) - mean() * mean());
}

void CorrelationSums::add(const float* a, const float* b, std::int64_t count) {
  const auto product = [count](const float* x, const float* y) {
    return sum_of(count, [&](std::int64_t i) { return static_cast<double>(x[i]) * y[i]; });
  };
  count_ += count;
  a_ += sum_of(count, [&](std::int64_t i) { return static_cast<double>(a[i]); });
  b_ += sum_of(count, [&](std::int64_t i) { return static_cast<double>(b[i]); });
  aa_ += product(a, a);
  bb_ += product(b, b);
  ab_ += product(a, b);
}

double CorrelationSums::correlation() const {
  const double n = static_cast<double>(count_);
  const double a_spread = aa_ / n - (a_ / n) * (a_ / n);
  const double b_spread = bb_ / n - (b_ / n) * (b_ / n);
  // Rounding leaves a constant a spread of some 1e-16 of its square.
  const bool varies = a_spread > 1e-13 * aa_ / n && b_spread > 1e-13 * bb_ / n;
  if (!varies) return std::nan("");
  return (ab_ / n - (a_ / n) * (b_ / n)) / std::sqrt(a_spread * b_spread);
}

NoiseCheck check_mean(std::string name, const NoiseSums& sums, const NoiseMoments& moments,
                      double bounds) {
  const double error = std::sqrt(moments.variance / static_cast<double>(sums.count()));
  return around(std::move(name), sums.mean(), moments.mean, bounds * error, sums.count());
}

NoiseCheck check_variance(std::string name, const NoiseSums& sums, const NoiseMoments& moments,
                          double bounds) {
  const double spread = moments.fourth - moments.variance * moments.variance;
  const double error = std::sqrt(spread / static_cast<double>(sums.count()));
  return around(std::move(name), sums.variance(), moments.variance, bounds * error, sums.count());
}

NoiseCheck check_uncorrelated(std::string name, const CorrelationSums& sums, double bounds) {
  const double error = 1 / std::sqrt(static_cast<double>(sums.count()));
  return around(std::move(name), sums.correlation(), 0, bounds * error, sums.count());
}

NoiseCheck check_rate(std::string name, std::int64_t hits, std::int64_t trials, double probability,
                      double bounds) {
  const double n = static_cast<double>(trials);
  const double value = static_cast<double>(hits) / n;
  const double rarer = std::min(probability, 1 - probability);
  if (n * rarer > kFewEvents) {
    const double error = std::sqrt(probability * (1 - probability) / n);
    return around(std::move(name), value, probability, bounds * error, trials);
  }
  const double tail = std::erfc(bounds / std::numbers::sqrt2) / 2;
  auto [least, most] = binomial_bounds(trials, rarer, tail);
  if (probability > 0.5) {
    least = std::exchange(most, trials - least);
    least = trials - least;
  }
  return {.name = std::move(name),
          .value = value,
          .expected = probability,
          .lower = static_cast<double>(least) / n,
          .upper = static_cast<double>(most) / n,
          .samples = trials,
          .pass = trials > 0 && hits >= least && hits <= most};
}

}  // namespace engine
