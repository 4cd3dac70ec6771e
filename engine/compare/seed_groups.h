// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/comparable_run.h"
#include "engine/compare/run_statistic.h"
#include "engine/statistics/group_comparison.h"

#include <string>
#include <vector>

namespace engine {

/// Runs that differ in their seeds only: the training seed, and the seeds in the rules, which
/// choose another draw of the simulated noise.
struct SeedGroup {
  std::string label;              ///< what tells it from the other groups
  std::vector<std::size_t> runs;  ///< indices, in the order given
  int look = 0;                   ///< that of one of its runs (run_look.h)
};

/// In the order of their first runs. A run without run.yaml, and a foreign one, is a group of its
/// own: nothing says that it is like another.
std::vector<SeedGroup> seed_groups(const std::vector<const ComparableRun*>& runs);

/// The results of a group at one statistic of one metric.
struct GroupResult {
  std::vector<SeedResult> seeds;  ///< noise draws of one training seed averaged
  SpreadSources sources;
  double mean = std::numeric_limits<double>::quiet_NaN();  ///< over seeds
  std::int64_t runs = 0;                                   ///< that have the metric
  std::int64_t not_finite = 0;                             ///< of them, those whose value is not
  std::int64_t first_step = 0;  ///< the steps that the values were logged at: least and greatest
  std::int64_t last_step = 0;
};

GroupResult result_of(const SeedGroup& group, const std::vector<const ComparableRun*>& runs,
                      const std::string& metric, const Statistic& statistic);

/// Mean of a group over the steps that all its runs logged, with the standard deviation of one run.
struct GroupCurve {
  std::vector<double> step;
  std::vector<double> mean;
  std::vector<double> deviation;  ///< NaN for a single run
  std::int64_t runs = 0;
};
GroupCurve group_curve(const SeedGroup& group, const std::vector<const ComparableRun*>& runs,
                       const std::string& metric);

}  // namespace engine
