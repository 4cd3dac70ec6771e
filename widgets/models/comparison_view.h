// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/missing_replicas.h"
#include "engine/compare/run_comparison.h"
#include "engine/runs/run_series.h"
#include "widgets/plots/difference_series.h"

#include <QString>

#include <memory>
#include <string>
#include <vector>

namespace widgets {

using ComparableRunPtr = std::shared_ptr<const engine::ComparableRun>;

/// The replicas of one group as a mean and what lies one standard deviation of a run beside it.
struct GroupLine {
  std::size_t group = 0;
  engine::RunSeries mean, low, high;
};

/// One metric of all runs over the chosen axis.
struct MetricCurves {
  std::string metric;
  std::vector<engine::RunSeries> runs;  ///< empty ones for runs without it
  std::vector<GroupLine> groups;        ///< those with replicas, over steps; none on another axis
};

/// The difference of one group of replicas to the baseline's in the main metric; groups that share
/// no step have none.
struct GroupDifferenceLine {
  std::size_t group = 0;
  DifferenceSeries series;
};

/// Runs and what comparing them found. Immutable, so threads may share it.
struct ComparisonView {
  std::vector<ComparableRunPtr> runs;
  engine::RunComparison comparison;
  // What follows is for charts and empty in a view for tables.
  std::vector<MetricCurves> charts;               ///< the main metric first
  std::vector<DifferenceSeries> run_differences;  ///< one per run, empty for the baseline
  std::vector<GroupDifferenceLine> group_differences;
  std::vector<engine::MissingReplica> missing;  ///< runs that would complete the groups

  /// How it is drawn (engine/figures/run_look.h).
  int look_of(std::size_t run) const { return comparison.options.looks[run]; }
  int look_of_group(std::size_t group) const { return comparison.groups[group].look; }
  std::vector<const engine::ComparableRun*> pointers() const;
};
using ComparisonViewPtr = std::shared_ptr<const ComparisonView>;

/// Any thread. For tables alone: without curves and differences, which a table of a thousand runs
/// does not need. Throws engine::Error as compare_runs() does.
ComparisonViewPtr make_table_view(std::vector<ComparableRunPtr> runs,
                                  engine::ComparisonOptions options);

/// The same with all that charts need; time is in hours. `beside`: metrics with a chart of their
/// own below the main one; those that no run has are left out.
ComparisonViewPtr make_chart_view(std::vector<ComparableRunPtr> runs,
                                  engine::ComparisonOptions options,
                                  const std::vector<std::string>& beside = {});

/// What identifies a run over restarts, as 64 hexadecimal digits: of its first line, else of its
/// path.
QString run_key(const engine::ComparableRun& run);

}  // namespace widgets
