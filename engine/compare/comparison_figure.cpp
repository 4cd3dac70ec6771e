// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/comparison_figure.h"

#include <fmt/format.h>

#include <cmath>

namespace engine {
namespace {

constexpr std::size_t kColumns = 600;
constexpr double kSecondsPerHour = 3600;

/// Points of the page from a curve of any length; what is not finite goes to the floor.
void take_points(FigureCurve& curve, const std::vector<double>& x, std::span<const double> y) {
  RunSeries series;
  for (std::size_t i = 0; i < x.size(); ++i) series.append(x[i], y[i]);
  if (series.size() == 0) return;
  curve.points = series.envelope(series.x().front(), series.x().back(), kColumns);
  for (const SeriesPoint& point : series.non_finite()) curve.not_finite.push_back(point.x);
}

/// A mean with its band: every n-th step, so that mean and band stay a pair.
void take_band(FigureCurve& curve, const GroupCurve& group, double zero) {
  const std::size_t stride = group.step.size() / kColumns + 1;
  for (std::size_t i = 0; i < group.step.size(); ++i) {
    const double x = group.step[i] - zero;
    if (!std::isfinite(group.mean[i])) {
      curve.not_finite.push_back(x);
    } else if (i % stride == 0 || i + 1 == group.step.size()) {
      curve.points.push_back({x, group.mean[i]});
      curve.deviation.push_back(group.deviation[i]);
    }
  }
}

}  // namespace

std::string axis_title(const ComparisonOptions& options) {
  std::string title;
  switch (options.axis) {
    case XAxis::step:
      title = "step";
      break;
    case XAxis::tokens:
      title = "tokens";
      break;
    case XAxis::time:
      title = "hours of training";
      break;
    case XAxis::flops:
      title = "FLOPs of plain training";
      break;
  }
  if (options.align_at) title += fmt::format(" from step {} on", *options.align_at);
  return title;
}

CurveFigure comparison_figure(const std::vector<const ComparableRun*>& runs,
                              const RunComparison& comparison) {
  const ComparisonOptions& options = comparison.options;
  const std::string& metric = options.metrics.front();
  CurveFigure figure;
  figure.title = metric;
  figure.x_title = axis_title(options);
  figure.y_title = metric;
  bool has_band = false;
  for (std::size_t i = 0; i < comparison.groups.size(); ++i) {
    const SeedGroup& group = comparison.groups[i];
    const bool is_baseline = i == comparison.base_group;
    if (group.runs.size() > 1 && options.axis == XAxis::step) {
      FigureCurve curve{.label = fmt::format("{}, {} seeds", group.label, group.runs.size()),
                        .look = group.look,
                        .is_baseline = is_baseline,
                        .points = {}};
      take_band(curve, group_curve(group, runs, metric), options.align_at.value_or(0));
      has_band = true;
      figure.curves.push_back(std::move(curve));
      continue;
    }
    for (const std::size_t run : group.runs) {
      const auto values = runs[run]->metrics.find(metric);
      if (!values) continue;
      FigureCurve curve{.label = group.runs.size() > 1
                                     ? fmt::format("{}, {}", group.label, runs[run]->name)
                                     : group.label,
                        .look = group.look,
                        .is_baseline = is_baseline,
                        .points = {}};
      std::vector<double> x = positions_of(*values, scale_of(*runs[run], options));
      if (options.axis == XAxis::time) {
        for (double& position : x) position /= kSecondsPerHour;
      }
      take_points(curve, x, values->value);
      figure.curves.push_back(std::move(curve));
    }
  }
  if (has_band) figure.footnote = "bands: ± one standard deviation of a run over seeds";
  return figure;
}

}  // namespace engine
