// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/quantiles.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace engine;

// Published values: Abramowitz and Stegun, tables 26.1, 26.8, 26.10; NIST/SEMATECH e-handbook
// 1.3.6.7.
TEST(Quantiles, NormalAsInTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_quantile(0.995), 2.575829303548901, 1e-12);
  EXPECT_NEAR(normal_quantile(0.9995), 3.290526731491926, 1e-11);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-11);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
  EXPECT_TRUE(std::isinf(normal_quantile(0)) && std::isinf(normal_quantile(1)));
}

TEST(Quantiles, StudentAsInTables) {
  EXPECT_NEAR(student_quantile(0.975, 1), 12.7062047364, 1e-8);
  EXPECT_NEAR(student_quantile(0.975, 2), 4.30265, 1e-5);
  EXPECT_NEAR(student_quantile(0.975, 1000), 1.96234, 1e-5);
  EXPECT_NEAR(student_quantile(0.995, 5), 4.03214298355, 1e-9);
  EXPECT_NEAR(student_quantile(0.975, 10), 2.22813885196, 1e-9);
  EXPECT_NEAR(student_quantile(0.95, 30), 1.69726088659, 1e-9);
  EXPECT_NEAR(student_quantile(0.025, 10), -2.22813885196, 1e-9);
}

TEST(Quantiles, ManyDegreesOfFreedomAreNormal) {
  EXPECT_NEAR(student_quantile(0.995, 1e7), normal_quantile(0.995), 2e-6);
  const double n = 2e7;  // Wilson and Hilferty are good to 1e-6 of the standard error here
  const double z = normal_quantile(0.995), s = 2 / (9 * n);
  EXPECT_NEAR(chi_squared_quantile(0.995, n) / (n * std::pow(1 - s + z * std::sqrt(s), 3)), 1,
              1e-8);
}

TEST(Quantiles, ChiSquaredAsInTables) {
  EXPECT_NEAR(chi_squared_quantile(0.95, 10), 18.3070380533, 1e-8);
  EXPECT_NEAR(chi_squared_quantile(0.05, 10), 3.94029913612, 1e-9);
  EXPECT_NEAR(chi_squared_quantile(0.995, 1), 7.87943857662, 1e-9);
  EXPECT_NEAR(chi_squared_quantile(0.01, 100), 70.0648949254, 1e-8);
  EXPECT_NEAR(chi_squared_quantile(0.99, 100), 135.806723217, 1e-7);
}

TEST(Quantiles, InvertTheirDistributions) {
  for (const double p : {1e-6, 0.005, 0.3, 0.5, 0.77, 0.995}) {
    EXPECT_NEAR(normal_cdf(normal_quantile(p)), p, 1e-14);
    for (const double freedom : {1.0, 2.5, 17.0, 400.0}) {
      EXPECT_NEAR(student_cdf(student_quantile(p, freedom), freedom), p, 1e-13);
      EXPECT_NEAR(chi_squared_cdf(chi_squared_quantile(p, freedom), freedom), p, 1e-12);
    }
  }
}

}  // namespace
