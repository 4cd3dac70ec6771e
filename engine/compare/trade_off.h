// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/comparable_run.h"
#include "engine/compare/run_statistic.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// A recorded quantity of a run by name: a metric (at the statistic), a numeric parameter of the
/// run, a rule parameter that all its layers share, or parameters, macs, input_conversions,
/// output_conversions, duration (seconds of work), step (the last). Nothing when the run has no
/// such thing or it is not finite.
std::optional<double> quantity_of(const ComparableRun& run, const std::string& name,
                                  const Statistic& statistic);

/// All names that quantity_of() knows of any of the runs.
std::vector<std::string> quantity_names(const std::vector<const ComparableRun*>& runs);

struct TradeOffPoint {
  std::size_t run = 0;
  double cost = 0;    ///< less is better
  double result = 0;  ///< less is better
};

/// Every run with a cost and a result, the value of `metric` at the statistic; others are left out.
/// Throws Error when `cost` is no expression.
std::vector<TradeOffPoint> trade_off_points(const std::vector<const ComparableRun*>& runs,
                                            const std::string& cost, const std::string& metric,
                                            const Statistic& statistic);

/// The points that no other beats in one respect without losing in the other, by ascending cost; of
/// equal points the first.
std::vector<TradeOffPoint> pareto_front(std::vector<TradeOffPoint> points);

}  // namespace engine
