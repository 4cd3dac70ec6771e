// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/missing_replicas.h"
#include "engine/compare/run_comparison.h"
#include "engine/runs/run_series.h"

#include <QString>

#include <memory>
#include <vector>

namespace widgets {

using ComparableRunPtr = std::shared_ptr<const engine::ComparableRun>;

/// The replicas of one group as a mean and what lies one standard deviation of a run beside it.
struct GroupLine {
  std::size_t group = 0;
  engine::RunSeries mean, low, high;
};

/// Runs and what comparing them found. Immutable, so threads may share it.
struct ComparisonView {
  std::vector<ComparableRunPtr> runs;
  engine::RunComparison comparison;
  std::vector<int> colors;  ///< of the runs; index into the theme's run colours
  /// The main metric of each run over the chosen axis; empty in a view for tables.
  std::vector<engine::RunSeries> curves;
  /// Of groups with replicas, over steps; empty on another axis and in a view for tables.
  std::vector<GroupLine> groups;
  /// Runs that would complete the groups; none in a view for tables.
  std::vector<engine::MissingReplica> missing;

  int color_of_group(std::size_t group) const;
  std::vector<const engine::ComparableRun*> pointers() const;
};
using ComparisonViewPtr = std::shared_ptr<const ComparisonView>;

/// Any thread. `for_charts`: with curves and differences, which a table of a thousand runs does not
/// need. Time is in hours. Throws engine::Error as compare_runs() does.
ComparisonViewPtr make_comparison_view(std::vector<ComparableRunPtr> runs, std::vector<int> colors,
                                       engine::ComparisonOptions options, bool for_charts);

/// What identifies a run over restarts, as 64 hexadecimal digits: of its first line, else of its
/// path.
QString run_key(const engine::ComparableRun& run);

}  // namespace widgets
