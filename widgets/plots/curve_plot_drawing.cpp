// SPDX-License-Identifier: GPL-3.0-or-later
// What a CurvePlot draws of its series: thinned to the pixels, smoothed at full rate.
#include "widgets/plots/curve_plot_line.h"
#include "widgets/plots/edge_marks.h"
#include "widgets/plots/event_marks.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kBrokenApart = 4;  // pixels between marks of non-finite values

bool same(double one, double other) {
  return one == other || (std::isnan(one) && std::isnan(other));
}

void fill(QCPGraph* graph, const std::vector<engine::SeriesPoint>& points) {
  QVector<QCPGraphData> values;
  values.reserve(static_cast<int>(points.size()));
  for (const auto& point : points) values.append({point.x, point.y});
  graph->data()->set(values, true);
}

void append(std::vector<engine::SeriesPoint>& to, const std::vector<engine::SeriesPoint>& from) {
  for (const auto& point : from) {
    if (to.empty() || to.back().x < point.x || to.back().y != point.y) to.push_back(point);
  }
}

}  // namespace

void CurvePlot::updateSmoothed(Line& line) {
  const auto x = line.curve.smoothingX();
  const auto y = line.curve.series->y();
  const std::size_t done = line.smooth.size();
  const bool continues = done > 0 && done <= x.size() && same(x[done - 1], line.last_raw_x) &&
                         same(y[done - 1], line.last_raw_y);
  if (!continues) {
    line.smooth.clear();
    line.smoother = engine::Smoother(half_life_);
  }
  for (std::size_t i = line.smooth.size(); i < x.size(); ++i) {
    line.smooth.push_back(line.smoother.next(x[i], y[i]));
  }
  if (!x.empty()) {
    line.last_raw_x = x.back();
    line.last_raw_y = y.back();
  }
}

std::vector<engine::SeriesPoint> CurvePlot::envelopeOf(const engine::RunSeries& series,
                                                       std::size_t columns) const {
  const QCPRange range = plot_->xAxis->range();
  const auto pieces = view_pieces(range.lower, range.upper, columns, logarithmic_x_);
  if (pieces.size() == 1) return series.envelope(range.lower, range.upper, columns);
  std::vector<engine::SeriesPoint> points;
  for (const auto& piece : pieces) {
    append(points, series.envelope(piece.from, piece.to, piece.columns));
  }
  std::sort(points.begin(), points.end(),
            [](const auto& one, const auto& other) { return one.x < other.x; });
  return points;
}

std::vector<engine::SeriesPoint> CurvePlot::smoothOf(const Line& line, std::size_t columns) const {
  const QCPRange range = plot_->xAxis->range();
  std::vector<engine::SeriesPoint> points;
  for (const auto& piece : view_pieces(range.lower, range.upper, columns, logarithmic_x_)) {
    append(points, one_per_column(line.curve.series->x(), line.smooth, piece.from, piece.to,
                                  std::max<std::size_t>(1, piece.columns)));
  }
  std::sort(points.begin(), points.end(),
            [](const auto& one, const auto& other) { return one.x < other.x; });
  return points;
}

void CurvePlot::draw() {
  dirty_ = false;
  for (auto& line : lines_) {
    if (line->curve.series != nullptr) updateSmoothed(*line);
  }
  if (following_) fitRanges();

  const auto& colors = theme_colors(palette());
  const auto columns = static_cast<std::size_t>(std::max(1, plot_->axisRect()->width()));
  const auto half = static_cast<std::size_t>(static_cast<double>(columns) / kPixelsPerPoint);
  std::vector<OutsideValue> outside;
  const QCPRange y_range = plot_->yAxis->range();
  const auto note_outside = [&](const std::vector<engine::SeriesPoint>& points, const Line& line) {
    if (!following_) return;
    for (const auto& point : points) {
      if (y_range.contains(point.y)) continue;
      outside.push_back(
          {point.x, point.y, line.curve.baseline ? colors.baseline : colors.run(line.curve.color)});
    }
  };
  for (auto& line : lines_) {
    const auto* series = line->curve.series;
    if (series == nullptr) continue;
    if (series->size() > 0 && line->curve.in_legend) line->main->addToLegend();
    if (line->curve.sparse || line->curve.exact) {
      const auto points = envelopeOf(*series, columns);
      fill(line->main, points);
      line->ghost->data()->clear();
      note_outside(points, *line);
    } else {
      const bool has_ghost = shows_raw_ && lines_.size() <= kMostGhosts && line->low == nullptr;
      std::vector<engine::SeriesPoint> raw;
      if (has_ghost) raw = envelopeOf(*series, columns);
      const auto smooth = smoothOf(*line, half);
      fill(line->ghost, raw);
      fill(line->main, smooth);
      note_outside(has_ghost ? raw : smooth, *line);
    }
    std::vector<engine::SeriesPoint> end;
    if (line->curve.glyph >= 0 && !line->main->data()->isEmpty()) {
      const QCPGraphData& last = *(line->main->data()->constEnd() - 1);
      end.push_back({last.key, last.value});
    }
    fill(line->end, end);
    drawBand(*line, columns);
    drawBroken(*line);
  }
  outside_->setValues(std::move(outside));
  describe();
}

void CurvePlot::drawBroken(Line& line) {
  std::vector<engine::SeriesPoint> shown;
  const QCPRange range = plot_->xAxis->range();
  double last = -kInf;
  for (auto point : line.curve.series->non_finite()) {
    if (!range.contains(point.x)) continue;
    const double pixel = plot_->xAxis->coordToPixel(point.x);
    if (std::abs(pixel - last) < kBrokenApart) continue;
    last = pixel;
    const QCPRange y = plot_->yAxis->range();
    if (!std::isfinite(point.y)) point.y = y.center();
    point.y = std::clamp(point.y, y.lower, y.upper);
    shown.push_back(point);
  }
  fill(line.broken, shown);
}

void CurvePlot::drawBand(Line& line, std::size_t columns) {
  if (line.low == nullptr) return;
  const QCPRange range = plot_->xAxis->range();
  const auto draw = [&](QCPGraph* graph, const engine::RunSeries& series,
                        std::vector<double>& smooth) {
    if (smooth.size() != series.size()) {
      smooth = line.curve.sparse ? std::vector<double>(series.y().begin(), series.y().end())
                                 : engine::smoothed(series, half_life_);
    }
    fill(graph,
         one_per_column(series.x(), smooth, range.lower, range.upper, columns / kPixelsPerEdge));
  };
  draw(line.low, *line.curve.low, line.smooth_low);
  draw(line.high, *line.curve.high, line.smooth_high);
}

void CurvePlot::describe() {
  if (described_.isValid() && described_.elapsed() < 1000) return;
  described_.start();
  QStringList parts;
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr || line->curve.series->size() == 0) continue;
    parts << tr("%1 is %2 at step %3")
                 .arg(line->curve.label, loss_text(line->curve.series->y().back()),
                      grouped(static_cast<std::int64_t>(line->curve.smoothingX().back())));
  }
  plot_->setAccessibleDescription(parts.join(QStringLiteral("; ")));
  const int lost = logarithmic_ ? notPositive() : 0;
  plot_->setToolTip(
      lost > 0 ? tr("%n value(s) of 0 or less are not on a logarithmic axis", nullptr, lost)
               : QString());
}

int CurvePlot::drawnPoints() const {
  int points = 0;
  for (const auto& line : lines_) points += line->main->data()->size();
  return points;
}

int CurvePlot::nonFiniteMarks() const {
  int marks = 0;
  for (const auto& line : lines_) marks += line->broken->data()->size();
  return marks;
}

int CurvePlot::outsideMarks() const { return outside_->count(); }

}  // namespace widgets
