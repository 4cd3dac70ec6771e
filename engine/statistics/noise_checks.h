// SPDX-License-Identifier: GPL-3.0-or-later
// Whether simulated noise is what its mathematics says: running sums over any number of samples,
// and checks of them against bounds of stated confidence. Both sides bite: too little noise fails
// like too much.
#pragma once

#include <cstdint>
#include <string>

namespace engine {

/// Half-width of the bounds in standard errors of the quantity checked.
inline constexpr double kNoiseBounds = 4.0;

/// The probability that a correct generator stays within `bounds` standard errors: 0.99994 for 4.
double confidence(double bounds);

/// A measured quantity beside the value and the bounds that theory gives it. A value that is not a
/// number (the correlation of a constant, say) does not pass.
struct NoiseCheck {
  std::string name;
  double value = 0;
  double expected = 0;
  double lower = 0;
  double upper = 0;
  std::int64_t samples = 0;
  bool pass = false;
};

/// Mean, and second and fourth moment about it, of a distribution.
struct NoiseMoments {
  double mean = 0;
  double variance = 0;
  double fourth = 0;
};

/// Uniform on [-1/2, 1/2): the dither ξ in LSB, and the rounding error of a signal that is spread
/// over many levels.
inline constexpr NoiseMoments kUniformNoise{0, 1.0 / 12, 1.0 / 80};
/// rint(v + ξ) - v in LSB with v spread over many levels: for the fraction f of v the error is
/// 1 - f with probability f, else -f; the moments are the averages over f.
inline constexpr NoiseMoments kDitheredReadOut{0, 1.0 / 6, 1.0 / 15};

/// Count, mean and variance of a stream of samples.
class NoiseSums {
 public:
  void add(const float* x, std::int64_t count);
  std::int64_t count() const { return count_; }
  double mean() const;
  double variance() const;  ///< about the samples' own mean

 private:
  std::int64_t count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

/// Pearson's correlation of pairs. For lag k: add(x, x + k, count - k).
class CorrelationSums {
 public:
  void add(const float* a, const float* b, std::int64_t count);
  std::int64_t count() const { return count_; }
  /// NaN when either side never varied.
  double correlation() const;

 private:
  std::int64_t count_ = 0;
  double a_ = 0, b_ = 0, aa_ = 0, bb_ = 0, ab_ = 0;
};

/// Mean within `bounds` standard errors √(σ²/n).
NoiseCheck check_mean(std::string name, const NoiseSums& sums, const NoiseMoments& moments,
                      double bounds = kNoiseBounds);
/// Variance within `bounds` standard errors √((μ₄ - σ⁴)/n).
NoiseCheck check_variance(std::string name, const NoiseSums& sums, const NoiseMoments& moments,
                          double bounds = kNoiseBounds);
/// Correlation within `bounds` standard errors 1/√n of 0.
NoiseCheck check_uncorrelated(std::string name, const CorrelationSums& sums,
                              double bounds = kNoiseBounds);
/// The share hits/trials of events of the given probability. The bounds are those of the binomial
/// distribution, exact while few events are expected, so that rare flips can be checked too.
NoiseCheck check_rate(std::string name, std::int64_t hits, std::int64_t trials, double probability,
                      double bounds = kNoiseBounds);

}  // namespace engine
