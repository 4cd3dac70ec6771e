// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/seed_groups.h"

#include <optional>
#include <string>
#include <vector>

namespace engine {

/// The difference of two groups' means, and what of it seeds explain, at every step that all runs
/// of both logged.
struct GroupDelta {
  std::vector<double> step;
  std::vector<double> difference;
  std::vector<double> half;  ///< half-width of Student's interval at that single step
  /// From here on, to the last step, 0 stays outside the interval. Groups without any difference
  /// are called apart at their last step with the probability 1 - confidence.
  std::optional<double> apart_from;
};

/// By the verdict's own `method`; empty for a method that is no test of two groups. Steps where a
/// value is not finite are left out.
GroupDelta group_delta(const SeedGroup& base, const SeedGroup& other,
                       const std::vector<const ComparableRun*>& runs, const std::string& metric,
                       ComparisonMethod method, double confidence);

}  // namespace engine
