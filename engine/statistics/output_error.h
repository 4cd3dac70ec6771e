// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace engine {

/// Computed outputs against exact ones.
struct OutputError {
  std::int64_t count = 0;       ///< outputs compared
  std::int64_t non_finite = 0;  ///< outputs that are not finite where the exact one is: left out
  std::int64_t changed = 0;     ///< outputs that are not the exact one rounded to fp32
  double mean = 0;
  double standard_deviation = 0;
  double largest = 0;  ///< absolute
  double sqnr_db = 0;  ///< 10·log10(Σ exact² / Σ error²): infinite without any error
};

class OutputErrorSums {
 public:
  /// Outputs whose exact value is not finite are not counted at all.
  void add(std::span<const double> exact, std::span<const double> computed);
  OutputError result() const;

 private:
  OutputError counted_;
  double sum_ = 0;
  double squares_ = 0;
  double signal_ = 0;
};

/// The continuous ranked probability score of every element: how far `measured` repeats are from
/// the distribution that `simulated` draws are of, less half the distance of the draws among
/// themselves (the unbiased form for a finite number of draws, at least two). Its expectation is
/// least where the simulation's distribution is the measurement's. NaN where a value is not finite.
/// Both hold whole tensors of `elements`, one after the other.
std::vector<double> ranked_scores(std::span<const double> measured,
                                  std::span<const double> simulated, std::int64_t elements);

}  // namespace engine
