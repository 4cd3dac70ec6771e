// SPDX-License-Identifier: GPL-3.0-or-later
// Whether two groups of runs that differ in their seeds differ in more than noise.
#pragma once

#include "engine/statistics/line_fit.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// The result of one training seed: of several noise draws, their mean.
struct SeedResult {
  std::int64_t seed = 0;
  double value = 0;
};

enum class ComparisonMethod {
  none,        ///< no group has two seeds, or a result is not finite: nothing can be said
  paired_t,    ///< Student's t of the differences of runs that share a seed
  welch_t,     ///< Welch's t: two groups with spreads of their own
  one_spread,  ///< a single run against a group, whose spread is taken for both
};

const char* to_string(ComparisonMethod method);  ///< "none", "paired t", "Welch's t", …

/// How many seeds more each group needs until a true difference as large as the observed one is
/// found with a power of 80 %; `low` and `high` are those counts at the ends of the 80 % interval
/// of the spread. Counts are cut at kMostSeeds.
struct SeedsNeeded {
  std::int64_t more = 0;
  std::int64_t low = 0;
  std::int64_t high = 0;
};
inline constexpr std::int64_t kMostSeeds = 10'000;

struct GroupDifference {
  ComparisonMethod method = ComparisonMethod::none;
  std::int64_t count_base = 0;  ///< seeds
  std::int64_t count_other = 0;
  std::int64_t pairs = 0;  ///< seeds that both have
  Estimate difference;     ///< mean of other less mean of base, with its interval
  double error = std::numeric_limits<double>::quiet_NaN();  ///< standard error of the difference
  double freedom = 0;
  double p = std::numeric_limits<double>::quiet_NaN();           ///< two-sided
  double adjusted_p = std::numeric_limits<double>::quiet_NaN();  ///< Holm's, p itself until set
  std::optional<double> correlation;                             ///< over the pairs, from three on

  bool is_distinguishable(double confidence) const { return adjusted_p <= 1 - confidence; }
};

/// Paired where at least three seeds are shared and their correlation does not speak against it
/// (ρ ≥ -0.5), else Welch. What choosing by the data does to the rate of false alarms stands at the
/// threshold.
GroupDifference compare_groups(const std::vector<SeedResult>& base,
                               const std::vector<SeedResult>& other, double confidence);

/// Nothing where the difference is found already, is exactly 0, or one group has no spread of its
/// own.
std::optional<SeedsNeeded> seeds_needed(const GroupDifference& found, double confidence);

/// Holm's correction of all p that are numbers, for the chance of even one false alarm among them.
void apply_holm(std::vector<GroupDifference*> differences);

/// Where the spread of a group comes from, as standard deviations.
struct SpreadSources {
  double between_seeds = std::numeric_limits<double>::quiet_NaN();
  double between_draws = std::numeric_limits<double>::quiet_NaN();  ///< of one seed
};
/// One list of draws for each training seed; analysis of variance with random effects. A source
/// that no repetition shows is NaN: two seeds for the one, two draws of one seed for the other.
SpreadSources spread_sources(const std::vector<std::vector<double>>& draws_of_seeds);

}  // namespace engine
