// SPDX-License-Identifier: GPL-3.0-or-later
// Several runs side by side: what differs, what it did, and whether that is more than noise. The
// workbench shows and `paradigm runs compare` prints these values.
#pragma once

#include "engine/compare/comparable_run.h"
#include "engine/compare/config_columns.h"
#include "engine/compare/curve_difference.h"
#include "engine/compare/group_divergence.h"
#include "engine/compare/run_statistic.h"
#include "engine/compare/seed_groups.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine {

struct ComparisonOptions {
  std::size_t baseline = 0;            ///< index of a run
  std::vector<std::string> metrics{};  ///< the first is the main one; empty = default_metrics()
  Statistic statistic{};
  XAxis axis = XAxis::step;
  std::optional<double> align_at{};  ///< x is counted from this step
  std::string cost{};  ///< expression that the main metric is set against in exports; empty = none
  double confidence = 0.95;
  bool with_differences = true;  ///< ComparedRun::difference is found for every run
  std::vector<int> looks{};      ///< of the runs (run_look.h); empty = what their identities choose
};

/// What the runs of one table row say about one metric.
struct MetricCell {
  std::optional<StatisticValue> value;  ///< nothing: the run has no such metric
  std::optional<double> delta;          ///< to the baseline's value
};

struct ComparedRun {
  std::size_t group = 0;
  std::string label;              ///< what tells it from the other runs, its name when nothing does
  std::vector<MetricCell> cells;  ///< one per metric
  std::optional<CurveDifference> difference;  ///< of the main metric; nothing for the baseline
};

/// One group against the baseline's.
struct Verdict {
  std::string metric;
  std::size_t group = 0;
  GroupResult base{};
  GroupResult other{};
  GroupDifference difference{};
  std::optional<SeedsNeeded> needed{};  ///< where the difference is not distinguishable
  GroupDelta delta{};                   ///< over steps; empty without replicas on both sides
  std::size_t compared = 1;             ///< comparisons that Holm's correction counted
  bool is_per_token_mismatch = false;   ///< losses per token of different tokenizers
  std::string text{};                   ///< the verdict in one sentence
};

/// What is configured differently from the baseline.
struct GroupChange {
  std::size_t group = 0;
  EffectDiff effect{};
  bool is_effect_known = true;  ///< of both
  std::vector<ValueChange> parameters{};
};

struct RunComparison {
  ComparisonOptions options;  ///< as they took effect
  std::vector<ConfigColumn> columns;
  std::vector<ComparedRun> runs;
  std::vector<SeedGroup> groups;
  std::size_t base_group = 0;
  std::vector<Verdict> verdicts;  ///< by metric, then by group
  std::vector<GroupChange> changes;
  std::vector<std::string> notes;  ///< about what cannot be compared, one sentence each
};

/// eval_loss when any run has it, and loss; else the first metric there is.
std::vector<std::string> default_metrics(const std::vector<const ComparableRun*>& runs);

/// At least one run. Runs that cannot be compared in some respect are compared in the others, and
/// `notes` say so. Throws Error for a metric that no run has.
RunComparison compare_runs(const std::vector<const ComparableRun*>& runs,
                           ComparisonOptions options);

/// Runs of different tokenizers: their losses per token cannot be compared.
bool have_tokenizers_apart(const std::vector<const ComparableRun*>& runs);

/// Names made different (by their folders) where two are alike; bits per byte added as a metric to
/// all where tokenizers differ and the validation texts are at hand. Call once, before comparing.
void prepare_comparison(std::vector<ComparableRun>& runs);

/// How a run's steps stand on the chosen axis.
XScale scale_of(const ComparableRun& run, const ComparisonOptions& options);

/// A number as tables and verdicts show it: 4 decimals, fewer for large and more for small ones;
/// NaN and infinities by name.
std::string shown(double value);
/// The same with its sign.
std::string shown_delta(double value);

}  // namespace engine
