// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_comparison.h"
#include "engine/runs/run_series.h"

#include <string>
#include <vector>

namespace engine {

/// Result against cost, one mark for each run with both, the points that nothing beats joined: what
/// is drawn where ComparisonOptions::cost is given.
struct TradeOffFigure {
  std::string cost;    ///< the expression
  std::string result;  ///< metric
  struct Mark {
    std::string label;  ///< of its group, at the group's first mark; "" at others
    int look = 0;
    bool is_baseline = false;
    double x = 0, y = 0;
  };
  std::vector<Mark> marks;
  std::vector<SeriesPoint> front;  ///< ascending cost
};

/// Throws Error when the cost is no expression.
TradeOffFigure trade_off_figure(const std::vector<const ComparableRun*>& runs,
                                const RunComparison& comparison);
std::string svg_of(const TradeOffFigure& figure);
std::string pdf_of(const TradeOffFigure& figure);

/// run,group,seed,cost,RESULT,on_front: one line for each mark, exact numbers.
std::string trade_off_csv(const std::vector<const ComparableRun*>& runs,
                          const RunComparison& comparison);

}  // namespace engine
