// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/quantiles.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace engine {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTiny = 1e-300;
constexpr double kPrecision = 1e-15;
constexpr int kMostTerms = 1'000'000;

/// lgamma without its global sign, so that threads may share it.
double log_gamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}

/// A continued fraction a1/(b1 + a2/(b2 + …)) by Lentz's method.
class LentzFraction {
 public:
  explicit LentzFraction(double b0) : value_(b0 == 0 ? kTiny : b0), c_(value_), d_(0) {}

  /// Appends a / (b + …); returns whether the value moved.
  bool append(double a, double b) {
    d_ = b + a * d_;
    if (std::abs(d_) < kTiny) d_ = kTiny;
    d_ = 1 / d_;
    c_ = b + a / c_;
    if (std::abs(c_) < kTiny) c_ = kTiny;
    value_ *= c_ * d_;
    return std::abs(c_ * d_ - 1) > kPrecision;
  }
  double value() const { return value_; }

 private:
  double value_, c_, d_;
};

/// The regularised incomplete gamma function P(a, x): its series below a + 1, its continued
/// fraction above (Abramowitz and Stegun 6.5.29, 6.5.31).
double regular_gamma(double a, double x) {
  if (x <= 0) return 0;
  const double front = std::exp(a * std::log(x) - x - log_gamma(a));
  if (x < a + 1) {
    double term = 1 / a;
    double sum = term;
    for (int n = 1; n < kMostTerms && term > sum * kPrecision; ++n) {
      term *= x / (a + n);
      sum += term;
    }
    return front * sum;
  }
  LentzFraction fraction(x + 1 - a);
  for (int n = 1; n < kMostTerms; ++n) {
    if (!fraction.append(-n * (n - a), x + 2 * n + 1 - a)) break;
  }
  return 1 - front / fraction.value();
}

/// The regularised incomplete beta function I_x(a, b) (Abramowitz and Stegun 26.5.8).
double regular_beta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regular_beta(1 - x, b, a);
  const double front = std::exp(a * std::log(x) + b * std::log1p(-x) + log_gamma(a + b) -
                                log_gamma(a) - log_gamma(b)) /
                       a;
  LentzFraction fraction(1);
  for (int m = 0; m < kMostTerms; ++m) {
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    const double even = (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2));
    const bool odd_moved = fraction.append(odd, 1);
    const bool even_moved = fraction.append(even, 1);
    if (!odd_moved && !even_moved) break;
  }
  return front / fraction.value();
}

/// The x in [low, high] where the rising `cdf` reaches p, by bisection to the last bit.
template <typename Cdf>
double inverse(double p, double low, double high, const Cdf& cdf) {
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (cdf(middle) < p ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

template <typename Cdf>
double doubled_until(double p, double start, const Cdf& cdf) {
  double high = start;
  while (high < 1e300 && cdf(high) < p) high *= 2;
  return high;
}

}  // namespace

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

double normal_quantile(double p) {
  if (!(p > 0)) return -kInfinity;
  if (!(p < 1)) return kInfinity;
  // The lower half, where erfc keeps its digits.
  if (p > 0.5) return -normal_quantile(1 - p);
  return inverse(p, -40.0, 0.0, normal_cdf);
}

double student_cdf(double t, double freedom) {
  const double tail = 0.5 * regular_beta(freedom / (freedom + t * t), freedom / 2, 0.5);
  return t > 0 ? 1 - tail : tail;
}

double student_quantile(double p, double freedom) {
  if (!(p > 0)) return -kInfinity;
  if (!(p < 1)) return kInfinity;
  if (p > 0.5) return -student_quantile(1 - p, freedom);
  const auto below = [freedom](double t) { return student_cdf(-t, freedom); };  // falls with t
  double high = 1;
  while (high < 1e300 && below(high) > p) high *= 2;
  return -inverse(-p, 0.0, high, [&](double t) { return -below(t); });
}

double chi_squared_cdf(double x, double freedom) { return regular_gamma(freedom / 2, x / 2); }

double chi_squared_quantile(double p, double freedom) {
  if (!(p > 0)) return 0;
  if (!(p < 1)) return kInfinity;
  const auto cdf = [freedom](double x) { return chi_squared_cdf(x, freedom); };
  return inverse(p, 0.0, doubled_until(p, freedom + 1, cdf), cdf);
}

}  // namespace engine
