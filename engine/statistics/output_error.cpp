// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/output_error.h"

#include <algorithm>
#include <cmath>

namespace engine {

void OutputErrorSums::add(std::span<const double> exact, std::span<const double> computed) {
  for (std::size_t i = 0; i < exact.size(); ++i) {
    if (!std::isfinite(exact[i])) continue;
    if (!std::isfinite(computed[i])) {
      ++counted_.non_finite;
      ++counted_.changed;
      continue;
    }
    if (static_cast<float>(computed[i]) != static_cast<float>(exact[i])) ++counted_.changed;
    const double error = computed[i] - exact[i];
    ++counted_.count;
    sum_ += error;
    squares_ += error * error;
    signal_ += exact[i] * exact[i];
    counted_.largest = std::max(counted_.largest, std::abs(error));
  }
}

OutputError OutputErrorSums::result() const {
  OutputError result = counted_;
  const auto n = static_cast<double>(result.count);
  result.mean = sum_ / n;
  result.standard_deviation = std::sqrt(std::max(0.0, squares_ / n - result.mean * result.mean));
  result.sqnr_db = 10 * std::log10(signal_ / squares_);
  return result;
}

std::vector<double> ranked_scores(std::span<const double> measured,
                                  std::span<const double> simulated, std::int64_t elements) {
  const auto repeats = static_cast<std::int64_t>(measured.size()) / elements;
  const auto draws = static_cast<std::int64_t>(simulated.size()) / elements;
  std::vector<double> scores(static_cast<std::size_t>(elements));
  for (std::int64_t i = 0; i < elements; ++i) {
    double apart = 0, among = 0;
    for (std::int64_t s = 0; s < draws; ++s) {
      const double y = simulated[s * elements + i];
      for (std::int64_t r = 0; r < repeats; ++r) apart += std::abs(measured[r * elements + i] - y);
      for (std::int64_t t = 0; t < s; ++t) among += std::abs(simulated[t * elements + i] - y);
    }
    const double pairs = 0.5 * static_cast<double>(draws * (draws - 1));
    scores[i] = apart / static_cast<double>(repeats * draws) - 0.5 * among / pairs;
  }
  return scores;
}

}  // namespace engine
