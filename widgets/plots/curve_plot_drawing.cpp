// SPDX-License-Identifier: GPL-3.0-or-later
// What a CurvePlot draws of its series: thinned to the pixels, smoothed at full rate.
#include "widgets/plots/curve_plot_line.h"
#include "widgets/plots/edge_marks.h"
#include "widgets/plots/event_marks.h"
#include "widgets/plots/glyph_legend_item.h"
#include "widgets/plots/legend_columns.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace widgets {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kBrokenApart = 4;  // pixels between marks of non-finite values

bool same(double one, double other) {
  return one == other || (std::isnan(one) && std::isnan(other));
}

/// What a change must move to be worth a new picture, in pixels.
constexpr double kVisible = 0.25;

/// How much of an axis' unit that is.
double visible_on(const QCPAxis* axis, int pixels) {
  if (axis->scaleType() == QCPAxis::stLogarithmic || pixels <= 0) return 0;
  return kVisible * axis->range().size() / pixels;
}

/// Whether anything can be seen of the change. What cannot is not taken over, so that small ones do
/// not add up.
bool fill(QCPGraph* graph, const std::vector<engine::SeriesPoint>& points) {
  const auto& drawn = *graph->data();
  const QSize size = graph->parentPlot()->axisRect()->size();
  const double along = visible_on(graph->keyAxis(), size.width());
  const double across = visible_on(graph->valueAxis(), size.height());
  const bool is_same =
      drawn.size() == static_cast<int>(points.size()) &&
      std::equal(points.begin(), points.end(), drawn.constBegin(),
                 [&](const engine::SeriesPoint& point, const QCPGraphData& before) {
                   return std::abs(point.x - before.key) <= along &&
                          std::abs(point.y - before.value) <= across;
                 });
  if (is_same) return false;
  QVector<QCPGraphData> values;
  values.reserve(static_cast<int>(points.size()));
  for (const auto& point : points) values.append({point.x, point.y});
  graph->data()->set(values, true);
  return true;
}

void append(std::vector<engine::SeriesPoint>& to, const std::vector<engine::SeriesPoint>& from) {
  for (const auto& point : from) {
    if (to.empty() || to.back().x < point.x || to.back().y != point.y) to.push_back(point);
  }
}

/// No more labels than there is room for: a low plot of five would print them over each other.
void fit_tick_count(QCPAxis* axis) {
  const double line = QFontMetricsF(axis->tickLabelFont()).height();
  const int count = std::clamp(static_cast<int>(axis->axisRect()->height() / (1.5 * line)), 3, 5);
  if (axis->ticker()->tickCount() != count) axis->ticker()->setTickCount(count);
}

/// A line of one point would draw nothing: the first that a run logs, or one between two others
/// that lie out of view.
void show_lone_point(QCPGraph* line) {
  const bool is_lone = line->data()->size() == 1;
  const auto shape = is_lone ? QCPScatterStyle::ssDisc : QCPScatterStyle::ssNone;
  if (line->scatterStyle().shape() != shape) line->setScatterStyle(QCPScatterStyle(shape, 6));
}

}  // namespace

void CurvePlot::updateSmoothed(Line& line) {
  const auto x = line.curve.smoothingX();
  const auto y = line.curve.series->y();
  const std::size_t done = line.smooth.size();
  const bool continues = done > 0 && done <= x.size() && same(x[done - 1], line.last_raw_x) &&
                         same(y[done - 1], line.last_raw_y);
  if (!continues) {
    line.forget();
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

std::vector<engine::SeriesPoint> CurvePlot::envelopeOf(Line& line, std::size_t columns) const {
  const auto& series = *line.curve.series;
  const QCPRange range = plot_->xAxis->range();
  const auto pieces = view_pieces(range.lower, range.upper, columns, logarithmic_x_);
  if (pieces.size() == 1) {
    return line.raw_view.envelope(series, {range.lower, range.upper}, columns);
  }
  std::vector<engine::SeriesPoint> points;
  for (const auto& piece : pieces) {
    append(points, series.envelope(piece.from, piece.to, piece.columns));
  }
  std::sort(points.begin(), points.end(),
            [](const auto& one, const auto& other) { return one.x < other.x; });
  return points;
}

std::vector<engine::SeriesPoint> CurvePlot::smoothOf(Line& line, std::size_t columns) const {
  const QCPRange range = plot_->xAxis->range();
  if (!logarithmic_x_) {
    return line.smooth_view.lastOfColumns(line.curve.series->x(), line.smooth,
                                          {range.lower, range.upper}, columns);
  }
  std::vector<engine::SeriesPoint> points;
  for (const auto& piece : view_pieces(range.lower, range.upper, columns, logarithmic_x_)) {
    append(points, one_per_column(line.curve.series->x(), line.smooth, piece.from, piece.to,
                                  std::max<std::size_t>(1, piece.columns)));
  }
  std::sort(points.begin(), points.end(),
            [](const auto& one, const auto& other) { return one.x < other.x; });
  return points;
}

bool CurvePlot::draw() {
  dirty_ = false;
  bool is_new = std::exchange(must_replot_, false);
  for (auto& line : lines_) {
    if (line->curve.series != nullptr) updateSmoothed(*line);
  }
  const QCPRange x_before = plot_->xAxis->range();
  const QCPRange y_before = plot_->yAxis->range();
  fit_tick_count(plot_->yAxis);
  if (following_) fitRanges();
  is_new |= plot_->xAxis->range() != x_before || plot_->yAxis->range() != y_before;

  const auto& colors = theme_colors(palette());
  const auto columns = static_cast<std::size_t>(std::max(1, plot_->axisRect()->width()));
  const auto half =
      static_cast<std::size_t>(static_cast<double>(columns) /
                               (lines_.size() < kMany ? kPixelsPerPoint : kPixelsPerPointOfMany));
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
    if (series->size() > 0 && line->curve.in_legend) is_new |= addToLegend(*line);
    if (line->curve.sparse || line->curve.exact) {
      const auto points = envelopeOf(*line, line->curve.exact ? half : columns);
      is_new |= fill(line->main, points);
      is_new |= fill(line->ghost, {});
      if (!line->curve.sparse) show_lone_point(line->main);
      note_outside(points, *line);
    } else {
      const bool has_ghost = shows_raw_ && lines_.size() <= kMostGhosts && line->low == nullptr;
      std::vector<engine::SeriesPoint> raw;
      if (has_ghost) raw = envelopeOf(*line, columns);
      const auto smooth = smoothOf(*line, half);
      is_new |= fill(line->ghost, raw);
      is_new |= fill(line->main, smooth);
      show_lone_point(line->main);
      note_outside(has_ghost ? raw : smooth, *line);
    }
    std::vector<engine::SeriesPoint> end;
    if (line->curve.marked && !line->curve.sparse && !line->main->data()->isEmpty()) {
      const QCPGraphData& last = *(line->main->data()->constEnd() - 1);
      end.push_back({last.key, last.value});
    }
    is_new |= fill(line->end, end);
    is_new |= drawBand(*line, columns);
    is_new |= drawBroken(*line);
  }
  is_new |= outside_->setValues(std::move(outside));
  if (legend_shown_) is_new |= fit_legend(plot_->legend, legendRoom(), kMostLegendRows);
  describe();
  return is_new;
}

/// Across the plot, or what a title leaves of it.
double CurvePlot::legendRoom() const {
  return plot_->width() * (title_->text().isEmpty() ? 1 : 0.7);
}

/// With the glyph that the curve has at its end. Whether it is new there.
bool CurvePlot::addToLegend(const Line& line) {
  if (plot_->legend->hasItemWithPlottable(line.main)) return false;
  if (line.curve.marked && !line.curve.sparse)
    return plot_->legend->addItem(new GlyphLegendItem(plot_->legend, line.main, line.end));
  return line.main->addToLegend();
}

bool CurvePlot::drawBroken(Line& line) {
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
  return fill(line.broken, shown);
}

bool CurvePlot::drawBand(Line& line, std::size_t columns) {
  if (line.low == nullptr) return false;
  const QCPRange range = plot_->xAxis->range();
  const auto draw = [&](QCPGraph* graph, const engine::RunSeries& series,
                        std::vector<double>& smooth) {
    if (smooth.size() != series.size()) {
      smooth = line.curve.sparse ? std::vector<double>(series.y().begin(), series.y().end())
                                 : engine::smoothed(series, half_life_);
    }
    return fill(graph, one_per_column(series.x(), smooth, range.lower, range.upper,
                                      columns / kPixelsPerEdge));
  };
  const bool low_is_new = draw(line.low, *line.curve.low, line.smooth_low);
  return draw(line.high, *line.curve.high, line.smooth_high) || low_is_new;
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
