// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_placement.h"

#include "widgets/style/number_text.h"

#include <QObject>
#include <QStringList>

#include <algorithm>
#include <cmath>

namespace widgets {

void RunPlacement::setAxis(RunAxis axis) {
  axis_ = axis;
  placed_.clear();
}

QString RunPlacement::axisTitle() const {
  switch (axis_) {
    case RunAxis::step:
      return QObject::tr("step");
    case RunAxis::tokens:
      return QObject::tr("tokens");
    case RunAxis::time:
      return QObject::tr("seconds of work");
  }
  return {};
}

const engine::RunSeries& RunPlacement::places(const RunRecord& run) const {
  return run.curve(axis_ == RunAxis::tokens ? Metric::tokens : Metric::seconds);
}

const engine::RunSeries* RunPlacement::placed(const RunRecord& run, Metric metric) {
  if (axis_ == RunAxis::step) return &run.curve(metric);
  return &placed_[{run.folder, metric}].follow(run.curve(metric), places(run));
}

double RunPlacement::placeOf(const RunRecord* run, double step) const {
  if (run == nullptr || axis_ == RunAxis::step) return step;
  return value_at_or_before(places(*run), step);
}

double RunPlacement::stepAt(const RunRecord* run, double x) const {
  if (run == nullptr || axis_ == RunAxis::step || !std::isfinite(x)) return x;
  const auto& series = places(*run);
  const auto y = series.y();
  const auto found = std::lower_bound(y.begin(), y.end(), x);
  if (found == y.end()) return series.size() == 0 ? x : series.x().back();
  return series.x()[static_cast<std::size_t>(found - y.begin())];
}

QString RunPlacement::placeText(const RunRecord* run, double x) const {
  const double step = stepAt(run, x);
  QStringList parts{
      QObject::tr("step %1").arg(grouped(static_cast<std::int64_t>(std::llround(step))))};
  if (run == nullptr) return parts.first();
  const double tokens = value_at_or_before(run->curve(Metric::tokens), step);
  const double seconds = value_at_or_before(run->curve(Metric::seconds), step);
  if (std::isfinite(tokens)) parts << QObject::tr("%1 tokens").arg(short_count(tokens));
  if (std::isfinite(seconds)) parts << duration_text(seconds);
  return parts.join(QStringLiteral(" · "));
}

double RunPlacement::expectedEnd(const RunRecord& run) const {
  const auto steps = static_cast<double>(run.max_steps);
  switch (axis_) {
    case RunAxis::step:
      return steps;
    case RunAxis::tokens:
      return run.started ? steps * static_cast<double>(run.started->tokens_per_step) : 0;
    case RunAxis::time:
      return 0;
  }
  return 0;
}

}  // namespace widgets
