// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_view.h"

#include "engine/digest.h"

#include <filesystem>

namespace widgets {
namespace {

constexpr double kHour = 3600;

void to_hours(engine::CurveDifference& difference) {
  for (auto& point : difference.points) point.x /= kHour;
  for (auto& gap : difference.gaps) {
    gap.from /= kHour;
    gap.to /= kHour;
  }
  if (difference.first_difference) *difference.first_difference /= kHour;
  if (difference.leaves_band_at) *difference.leaves_band_at /= kHour;
}

GroupLine line_of(std::size_t group, const ComparisonView& view) {
  GroupLine line;
  line.group = group;
  const auto& options = view.comparison.options;
  const auto curve =
      engine::group_curve(view.comparison.groups[group], view.pointers(), options.metrics.front());
  const double zero = options.align_at.value_or(0);
  for (std::size_t i = 0; i < curve.step.size(); ++i) {
    line.mean.append(curve.step[i] - zero, curve.mean[i]);
    line.low.append(curve.step[i] - zero, curve.mean[i] - curve.deviation[i]);
    line.high.append(curve.step[i] - zero, curve.mean[i] + curve.deviation[i]);
  }
  return line;
}

}  // namespace

int ComparisonView::color_of_group(std::size_t group) const {
  return colors[comparison.groups[group].runs.front()];
}

std::vector<const engine::ComparableRun*> ComparisonView::pointers() const {
  std::vector<const engine::ComparableRun*> list;
  for (const ComparableRunPtr& run : runs) list.push_back(run.get());
  return list;
}

ComparisonViewPtr make_comparison_view(std::vector<ComparableRunPtr> runs, std::vector<int> colors,
                                       engine::ComparisonOptions options, bool for_charts) {
  auto view = std::make_shared<ComparisonView>();
  view->runs = std::move(runs);
  view->colors = std::move(colors);
  options.with_differences = for_charts;
  view->comparison = engine::compare_runs(view->pointers(), std::move(options));
  if (!for_charts) return view;
  view->missing = engine::missing_replicas(view->pointers(), view->comparison,
                                           engine::seeds_worth_adding(view->comparison));
  const bool is_time = view->comparison.options.axis == engine::XAxis::time;
  for (const ComparableRunPtr& run : view->runs) {
    engine::RunSeries& series = view->curves.emplace_back();
    const auto curve = run->metrics.find(view->comparison.options.metrics.front());
    if (!curve) continue;
    const auto x = engine::positions_of(*curve, engine::scale_of(*run, view->comparison.options));
    for (std::size_t i = 0; i < x.size(); ++i)
      series.append(is_time ? x[i] / kHour : x[i], curve->value[i]);
  }
  if (view->comparison.options.axis == engine::XAxis::step) {
    for (std::size_t i = 0; i < view->comparison.groups.size(); ++i) {
      if (view->comparison.groups[i].runs.size() > 1) view->groups.push_back(line_of(i, *view));
    }
  }
  if (is_time) {
    for (engine::ComparedRun& run : view->comparison.runs) {
      if (run.difference) to_hours(*run.difference);
    }
  }
  return view;
}

QString run_key(const engine::ComparableRun& run) {
  if (!run.identity.empty()) return QString::fromStdString(run.identity);
  std::error_code ignored;
  return QString::fromStdString(
      engine::sha256_hex(std::filesystem::absolute(run.path, ignored).string()));
}

}  // namespace widgets
