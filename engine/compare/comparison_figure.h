// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_comparison.h"
#include "engine/figures/curve_figure.h"

#include <string>
#include <vector>

namespace engine {

/// "tokens", "hours of training": the title of the axis, aligned or not.
std::string axis_title(const ComparisonOptions& options);

/// The main metric of all groups: one curve for a single run, mean ± one standard deviation of a
/// run for replicas (over steps; on another axis the replicas one by one). Thinned for a page.
CurveFigure comparison_figure(const std::vector<const ComparableRun*>& runs,
                              const RunComparison& comparison);

}  // namespace engine
