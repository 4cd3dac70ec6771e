// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/difference_plot.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/plots/plot_style.h"
#include "widgets/plots/thinning.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

/// Beyond that many curves the raw differences would only be mud, and lines need fewer points.
constexpr std::size_t kMostGhosts = 4;
/// A noisy line says no more with more points, and filling a jagged band costs Qt 50 ms.
constexpr std::size_t kStretches = 150;

/// Means over runs of neighbouring points.
struct Stretches {
  std::vector<double> x, value, low, high;
};

Stretches stretches_of(const engine::GroupDelta& delta) {
  Stretches result;
  const std::size_t size = (delta.step.size() + kStretches - 1) / kStretches;
  for (std::size_t begin = 0; begin < delta.step.size(); begin += size) {
    const std::size_t end = std::min(begin + size, delta.step.size());
    double value = 0, half = 0;
    for (std::size_t i = begin; i < end; ++i) {
      value += delta.difference[i];
      half += delta.half[i];
    }
    const double count = static_cast<double>(end - begin);
    result.x.push_back(delta.step[end - 1]);
    result.value.push_back(value / count);
    result.low.push_back((value - half) / count);
    result.high.push_back((value + half) / count);
  }
  return result;
}

}  // namespace

DifferencePlot::DifferencePlot(QWidget* parent) : QWidget(parent), plot_(new QCustomPlot(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(plot_);
  setMinimumSize(characters(this, 24), lines(this, 5));
  setObjectName(QStringLiteral("difference_plot"));
  plot_->setObjectName(QStringLiteral("difference_plot.canvas"));
  plot_->setAccessibleName(tr("Difference to the baseline"));
  plot_->setFocusPolicy(Qt::StrongFocus);
  plot_->setPlottingHint(QCP::phFastPolylines, true);
  plot_->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  plot_->axisRect()->setMinimumMargins(QMargins(0, lines(this, 0.4), lines(this, 0.8), 0));
  connect(plot_->xAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this,
          [this](const QCPRange& range) {
            thin();
            if (!is_setting_range_) Q_EMIT xRangeChanged(range.lower, range.upper);
          });
  style_plot(plot_, this);
}

void DifferencePlot::setTitles(const QString& x, const QString& y) {
  plot_->xAxis->setLabel(x);
  plot_->yAxis->setLabel(y);
}

void DifferencePlot::setLeftMargin(int pixels) {
  QMargins margins = plot_->axisRect()->minimumMargins();
  margins.setLeft(pixels);
  plot_->axisRect()->setMinimumMargins(margins);
}

void DifferencePlot::setXRange(double low, double high) {
  is_setting_range_ = true;
  plot_->xAxis->setRange(low, high);
  is_setting_range_ = false;
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void DifferencePlot::setDifferences(std::vector<DifferenceCurve> curves) {
  curves_ = std::move(curves);
  rebuild();
  fitValues();
  QStringList parts;
  for (const DifferenceCurve& curve : curves_) {
    const auto& at =
        curve.group.step.empty() ? curve.difference.leaves_band_at : curve.group.apart_from;
    parts << (at ? tr("%1 leaves the noise band at %2").arg(curve.label).arg(*at)
                 : tr("%1 stays in the noise band").arg(curve.label));
  }
  plot_->setAccessibleDescription(parts.join(QStringLiteral("; ")));
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void DifferencePlot::addBand(const engine::CurveDifference& difference) {
  if (!std::isfinite(difference.band)) return;
  auto* band = new QCPItemRect(plot_);
  band->setLayer(QStringLiteral("grid"));
  band->topLeft->setTypeX(QCPItemPosition::ptAxisRectRatio);
  band->bottomRight->setTypeX(QCPItemPosition::ptAxisRectRatio);
  band->topLeft->setCoords(0, difference.band);
  band->bottomRight->setCoords(1, -difference.band);
  band->setPen(Qt::NoPen);
  const ThemeColors& colors = theme_colors(palette());
  band->setBrush(blend(colors.axis_text, colors.plot_background, 0.10));
}

void DifferencePlot::addGap(const engine::DifferenceGap& gap) {
  auto* area = new QCPItemRect(plot_);
  area->setLayer(QStringLiteral("grid"));
  area->topLeft->setTypeY(QCPItemPosition::ptAxisRectRatio);
  area->bottomRight->setTypeY(QCPItemPosition::ptAxisRectRatio);
  area->topLeft->setCoords(gap.from, 0);
  area->bottomRight->setCoords(gap.to, 1);
  const ThemeColors& colors = theme_colors(palette());
  const QColor ink = gap.reason == engine::GapReason::not_finite
                         ? colors.error
                         : blend(colors.axis_text, colors.plot_background, 0.35);
  area->setPen(Qt::NoPen);
  area->setBrush(QBrush(ink, Qt::BDiagPattern));
}

void DifferencePlot::rebuild() {
  plot_->clearGraphs();
  plot_->clearItems();
  lines_.clear();
  const ThemeColors& colors = theme_colors(palette());
  // One band: the widest, so that no curve seems further out than it is.
  const auto widest = std::max_element(
      curves_.begin(), curves_.end(), [](const DifferenceCurve& a, const DifferenceCurve& b) {
        const auto band = [](const DifferenceCurve& curve) {
          return curve.group.step.empty() && std::isfinite(curve.difference.band)
                     ? curve.difference.band
                     : 0;
        };
        return band(a) < band(b);
      });
  if (widest != curves_.end() && widest->group.step.empty()) addBand(widest->difference);
  if (curves_.size() == 1) {
    for (const engine::DifferenceGap& gap : curves_.front().difference.gaps) addGap(gap);
  }
  auto* zero = new QCPItemStraightLine(plot_);
  zero->setLayer(QStringLiteral("grid"));
  zero->setPen(QPen(colors.baseline, 1));
  zero->point1->setCoords(0, 0);
  zero->point2->setCoords(1, 0);
  for (const DifferenceCurve& curve : curves_) {
    if (!curve.group.step.empty()) {
      addGroup(curve);
    } else if (!curve.difference.points.empty()) {
      addRun(curve);
    }
  }
  thin();
}

void DifferencePlot::thin() {
  const QCPRange range = plot_->xAxis->range();
  const auto pixels = static_cast<std::size_t>(std::max(1, plot_->axisRect()->width()));
  const auto fill = [](QCPGraph* graph, const std::vector<engine::SeriesPoint>& points) {
    QVector<QCPGraphData> values;
    values.reserve(static_cast<int>(points.size()));
    for (const auto& point : points) values.append({point.x, point.y});
    graph->data()->set(values, true);
  };
  const std::size_t columns = pixels / (lines_.size() > kMostGhosts ? 4 : 2);
  for (const Line& line : lines_) {
    if (line.ghost != nullptr)
      fill(line.ghost, line.raw.envelope(range.lower, range.upper, pixels));
    fill(line.main, line.smoothed.empty()
                        ? line.raw.envelope(range.lower, range.upper, columns)
                        : one_per_column(line.x, line.smoothed, range.lower, range.upper, columns));
  }
}

void DifferencePlot::markLeaving(double x, int color) {
  auto* mark = new QCPItemStraightLine(plot_);
  mark->setPen(QPen(theme_colors(palette()).run(color), 0, Qt::DotLine));
  mark->point1->setCoords(x, 0);
  mark->point2->setCoords(x, 1);
}

void DifferencePlot::addGroup(const DifferenceCurve& curve) {
  const ThemeColors& colors = theme_colors(palette());
  const engine::GroupDelta& delta = curve.group;
  const Stretches shown = stretches_of(delta);
  const auto add = [&](const std::vector<double>& y, const QPen& pen, const char* layer) {
    QCPGraph* graph = plot_->addGraph();
    graph->setPen(pen);
    graph->setAdaptiveSampling(false);
    graph->setAntialiasedFill(false);
    graph->setLayer(QLatin1String(layer));
    for (std::size_t i = 0; i < y.size(); ++i) graph->addData(shown.x[i], y[i]);
    return graph;
  };
  QCPGraph* below = add(shown.low, Qt::NoPen, "grid");
  QCPGraph* above = add(shown.high, Qt::NoPen, "grid");
  QColor shade = colors.run(curve.color);
  shade.setAlphaF(0.16F);  // bands lie over each other
  above->setBrush(shade);
  above->setChannelFillGraph(below);
  add(shown.value, QPen(colors.run(curve.color), 2), "main");
  if (delta.apart_from) markLeaving(*delta.apart_from, curve.color);
}

void DifferencePlot::addRun(const DifferenceCurve& curve) {
  const ThemeColors& colors = theme_colors(palette());
  const auto& points = curve.difference.points;
  Line line;
  const auto window = static_cast<std::size_t>(std::max(1, curve.difference.window));
  // At full rate it is drawn only where few are, or where there is nothing smoother: a frame of
  // twenty live runs has no time for it.
  const bool needs_raw = curves_.size() <= kMostGhosts || curve.difference.smoothed.empty();
  for (std::size_t i = 0; needs_raw && i < points.size(); ++i)
    line.raw.append(points[i].x, points[i].value());
  line.smoothed = curve.difference.smoothed;
  for (std::size_t i = window - 1; i < points.size() && !line.smoothed.empty(); ++i)
    line.x.push_back(points[i].x);
  const auto add = [&](const QPen& pen) {
    QCPGraph* graph = plot_->addGraph();
    graph->setPen(pen);
    graph->setAdaptiveSampling(false);
    return graph;
  };
  if (curves_.size() <= kMostGhosts) line.ghost = add(QPen(colors.ghost(curve.color), 0));
  line.main = add(QPen(colors.run(curve.color), 2));
  lines_.push_back(std::move(line));
  if (curve.difference.leaves_band_at) markLeaving(*curve.difference.leaves_band_at, curve.color);
}

void DifferencePlot::fitValues() {
  std::vector<double> values = {0};
  for (const DifferenceCurve& curve : curves_) {
    if (!curve.group.step.empty()) {
      const Stretches shown = stretches_of(curve.group);
      values.insert(values.end(), shown.value.begin(), shown.value.end());
      continue;
    }
    if (std::isfinite(curve.difference.band)) {
      values.push_back(curve.difference.band);
      values.push_back(-curve.difference.band);
    }
    for (const double value : curve.difference.smoothed) values.push_back(value);
    if (!curve.difference.smoothed.empty()) continue;
    for (const auto& point : curve.difference.points) values.push_back(point.value());
  }
  const ValueRange range = robust_range(values);
  plot_->yAxis->setRange(std::min(range.low, 0.0), std::max(range.high, 0.0));
}

void DifferencePlot::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  thin();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void DifferencePlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange && event->type() != QEvent::FontChange) return;
  style_plot(plot_, this);
  rebuild();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void DifferencePlot::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  plot_->setBufferDevicePixelRatio(devicePixelRatioF());
}

}  // namespace widgets
