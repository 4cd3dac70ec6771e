// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_view.h"

#include <algorithm>
#include <limits>

namespace widgets {
namespace {

constexpr double kHour = 3600;
/// With more runs than that raw differences are not drawn.
constexpr std::size_t kMostWithRaw = 5;

bool is_over_time(const ComparisonView& view) {
  return view.comparison.options.axis == engine::XAxis::time;
}

void to_hours(engine::CurveDifference& difference) {
  for (auto& point : difference.points) point.x /= kHour;
  for (auto& gap : difference.gaps) {
    gap.from /= kHour;
    gap.to /= kHour;
  }
  if (difference.first_difference) *difference.first_difference /= kHour;
  if (difference.leaves_band_at) *difference.leaves_band_at /= kHour;
}

GroupLine line_of(std::size_t group, const std::string& metric, const ComparisonView& view) {
  GroupLine line;
  line.group = group;
  const auto curve = engine::group_curve(view.comparison.groups[group], view.pointers(), metric);
  const double zero = view.comparison.options.align_at.value_or(0);
  for (std::size_t i = 0; i < curve.step.size(); ++i) {
    line.mean.append(curve.step[i] - zero, curve.mean[i]);
    line.low.append(curve.step[i] - zero, curve.mean[i] - curve.deviation[i]);
    line.high.append(curve.step[i] - zero, curve.mean[i] + curve.deviation[i]);
  }
  return line;
}

MetricCurves curves_of(const std::string& metric, const ComparisonView& view) {
  MetricCurves curves{.metric = metric, .runs = {}, .groups = {}};
  const engine::ComparisonOptions& options = view.comparison.options;
  for (const ComparableRunPtr& run : view.runs) {
    engine::RunSeries& series = curves.runs.emplace_back();
    const auto curve = run->metrics.find(metric);
    if (!curve) continue;
    const auto x = engine::positions_of(*curve, engine::scale_of(*run, options));
    for (std::size_t i = 0; i < x.size(); ++i)
      series.append(is_over_time(view) ? x[i] / kHour : x[i], curve->value[i]);
  }
  if (options.axis != engine::XAxis::step) return curves;
  for (std::size_t i = 0; i < view.comparison.groups.size(); ++i) {
    if (view.comparison.groups[i].runs.size() > 1)
      curves.groups.push_back(line_of(i, metric, view));
  }
  return curves;
}

/// The steps that only some runs of the two groups have come to.
std::vector<engine::DifferenceGap> gaps_of(const engine::Verdict& verdict,
                                           const ComparisonView& view) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  double first = kInf, last = -kInf;
  engine::GapReason reason = engine::GapReason::only_base;
  for (const std::size_t group : {view.comparison.base_group, verdict.group}) {
    for (const std::size_t run : view.comparison.groups[group].runs) {
      const auto curve = view.runs[run]->metrics.find(verdict.metric);
      if (!curve) continue;
      first = std::min(first, curve->step.front());
      if (curve->step.back() <= last) continue;
      last = curve->step.back();
      reason =
          group == verdict.group ? engine::GapReason::only_other : engine::GapReason::only_base;
    }
  }
  const double zero = view.comparison.options.align_at.value_or(0);
  const std::vector<double>& shared = verdict.delta.step;
  std::vector<engine::DifferenceGap> gaps;
  if (first < shared.front()) gaps.push_back({first - zero, shared.front() - zero, reason});
  if (last > shared.back()) gaps.push_back({shared.back() - zero, last - zero, reason});
  return gaps;
}

void add_differences(ComparisonView& view) {
  const engine::ComparisonOptions& options = view.comparison.options;
  for (engine::ComparedRun& run : view.comparison.runs) {
    if (run.difference && is_over_time(view)) to_hours(*run.difference);
    view.run_differences.push_back(
        run.difference ? difference_series(*run.difference, view.runs.size() <= kMostWithRaw)
                       : DifferenceSeries());
  }
  if (options.axis != engine::XAxis::step) return;
  for (const engine::Verdict& verdict : view.comparison.verdicts) {
    if (verdict.metric != options.metrics.front() || verdict.delta.step.empty()) continue;
    GroupDifferenceLine line{
        .group = verdict.group,
        .series = difference_series(verdict.delta, options.align_at.value_or(0))};
    line.series.gaps = gaps_of(verdict, view);
    view.group_differences.push_back(std::move(line));
  }
}

std::shared_ptr<ComparisonView> compared(std::vector<ComparableRunPtr> runs,
                                         engine::ComparisonOptions options) {
  auto view = std::make_shared<ComparisonView>();
  view->runs = std::move(runs);
  view->comparison = engine::compare_runs(view->pointers(), std::move(options));
  return view;
}

}  // namespace

std::vector<const engine::ComparableRun*> ComparisonView::pointers() const {
  std::vector<const engine::ComparableRun*> list;
  for (const ComparableRunPtr& run : runs) list.push_back(run.get());
  return list;
}

ComparisonViewPtr make_table_view(std::vector<ComparableRunPtr> runs,
                                  engine::ComparisonOptions options) {
  options.with_differences = false;
  return compared(std::move(runs), std::move(options));
}

ComparisonViewPtr make_chart_view(std::vector<ComparableRunPtr> runs,
                                  engine::ComparisonOptions options,
                                  const std::vector<std::string>& beside) {
  options.with_differences = true;
  const auto view = compared(std::move(runs), std::move(options));
  view->missing = engine::missing_replicas(view->pointers(), view->comparison,
                                           engine::seeds_worth_adding(view->comparison));
  const std::string& main = view->comparison.options.metrics.front();
  view->charts.push_back(curves_of(main, *view));
  for (const std::string& metric : beside) {
    const bool is_logged = std::any_of(view->runs.begin(), view->runs.end(), [&](const auto& run) {
      return run->metrics.find(metric).has_value();
    });
    if (metric != main && is_logged) view->charts.push_back(curves_of(metric, *view));
  }
  add_differences(*view);
  return view;
}

QString run_key(const engine::ComparableRun& run) {
  return QString::fromStdString(engine::lasting_key(run));
}

}  // namespace widgets
