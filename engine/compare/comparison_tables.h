// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of a comparison as rows of text, for terminals, pages and files alike.
#pragma once

#include "engine/compare/run_comparison.h"

#include <string>
#include <vector>

namespace engine {

using TextRows = std::vector<std::vector<std::string>>;

/// Header and one row per run: name, state, step, differing settings, and for each metric the
/// statistic and, but for the baseline, the difference to it.
TextRows run_rows(const std::vector<const ComparableRun*>& runs, const RunComparison& comparison);

/// Sentences about one group's configuration against the baseline's: "all 22 mlp.*_proj: q_levels
/// 256 → 64", "learning_rate 0.0005 → 0.001", "identical effect".
std::vector<std::string> change_lines(const GroupChange& change);

/// How the curves of the main metric part: first unequal step, where the noise band is left, and
/// the stretches without a difference. "" for the baseline and where there is no curve.
std::string divergence_line(const ComparableRun& run, const ComparedRun& row,
                            const ComparisonOptions& options);

/// "spread between seeds 0.012, between noise draws 0.003"; "" without repetition.
std::string spread_text(const SpreadSources& sources);

/// Every logged value at full rate: run,group,seed,metric,step,tokens,seconds,value. Shortest exact
/// numbers; NaN, Infinity, -Infinity; what is not known is empty.
std::string curves_csv(const std::vector<const ComparableRun*>& runs,
                       const RunComparison& comparison);
/// run_rows() with exact numbers.
std::string statistics_csv(const std::vector<const ComparableRun*>& runs,
                           const RunComparison& comparison);

}  // namespace engine
