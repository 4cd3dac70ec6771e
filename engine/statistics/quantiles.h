// SPDX-License-Identifier: GPL-3.0-or-later
// Quantiles of the distributions that confidence intervals are made of.
#pragma once

namespace engine {

/// P(Z <= z) of the standard normal distribution.
double normal_cdf(double z);
/// z with P(Z <= z) = p; infinite at 0 and 1.
double normal_quantile(double p);

/// P(T <= t) of Student's t with `freedom` > 0 degrees of freedom.
double student_cdf(double t, double freedom);
double student_quantile(double p, double freedom);

/// P(X <= x) of chi squared with `freedom` > 0 degrees of freedom.
double chi_squared_cdf(double x, double freedom);
double chi_squared_quantile(double p, double freedom);

}  // namespace engine
