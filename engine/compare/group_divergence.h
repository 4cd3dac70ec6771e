// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/seed_groups.h"

#include <optional>
#include <string>
#include <vector>

namespace engine {

/// The first step from which on, to the last one that all runs of both groups logged, the
/// difference of the means stays outside the noise of the seeds: Student's interval at every single
/// step, by the verdict's own `method`. Groups without any difference are called apart at their
/// last step with the probability 1 - confidence. Nothing when the last step is inside, or without
/// replicas.
std::optional<double> apart_from_step(const SeedGroup& base, const SeedGroup& other,
                                      const std::vector<const ComparableRun*>& runs,
                                      const std::string& metric, ComparisonMethod method,
                                      double confidence);

}  // namespace engine
