// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/trade_off_plot.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/plots/plot_style.h"
#include "widgets/style/metrics.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QMouseEvent>
#include <QSharedPointer>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

constexpr double kReach = 14;  ///< pixels around a point that a click may miss by

}  // namespace

TradeOffPlot::TradeOffPlot(QWidget* parent) : QWidget(parent), plot_(new QCustomPlot(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(plot_);
  setMinimumSize(characters(this, 24), lines(this, 6));
  plot_->setObjectName(QStringLiteral("trade_off.canvas"));
  plot_->setAccessibleName(tr("Trade-off of result and cost"));
  plot_->setFocusPolicy(Qt::StrongFocus);
  plot_->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  plot_->axisRect()->setMinimumMargins(QMargins(0, lines(this, 0.6), lines(this, 0.8), 0));
  connect(plot_, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) {
    if (const TradeOffMark* mark = nearest(event->pos()))
      Q_EMIT runClicked(static_cast<int>(mark->point.run));
  });
  connect(plot_, &QCustomPlot::mouseMove, this, [this](QMouseEvent* event) {
    const TradeOffMark* mark = nearest(event->pos());
    plot_->setToolTip(mark == nullptr ? QString()
                                      : tr("%1: %2 at %3")
                                            .arg(mark->label)
                                            .arg(mark->point.result, 0, 'g', 5)
                                            .arg(mark->point.cost, 0, 'g', 5));
  });
  connect(plot_, &QCustomPlot::beforeReplot, this, &TradeOffPlot::placeLabels);
  style_plot(plot_, this);
}

/// To the side where there is room; one that would lie on another is left to the tool tip.
void TradeOffPlot::placeLabels() {
  const QFontMetricsF metrics(font());
  std::vector<QRectF> taken;
  for (QCPItemText* label : labels_) {
    const QPointF at = label->position->pixelPosition();
    const QSizeF size(metrics.horizontalAdvance(label->text()) + 14, metrics.height() + 2);
    const bool is_left = at.x() + size.width() > plot_->axisRect()->right();
    label->setPositionAlignment((is_left ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignBottom);
    const QRectF place(is_left ? at.x() - size.width() : at.x(), at.y() - size.height(),
                       size.width(), size.height());
    const bool is_free = std::none_of(taken.begin(), taken.end(),
                                      [&](const QRectF& other) { return other.intersects(place); });
    label->setVisible(is_free);
    if (is_free) taken.push_back(place);
  }
}

const TradeOffMark* TradeOffPlot::nearest(const QPointF& position) const {
  const TradeOffMark* found = nullptr;
  double least = kReach;
  for (const TradeOffMark& mark : marks_) {
    const double x = plot_->xAxis->coordToPixel(mark.point.cost);
    const double y = plot_->yAxis->coordToPixel(mark.point.result);
    const double distance = std::hypot(x - position.x(), y - position.y());
    if (distance >= least) continue;
    least = distance;
    found = &mark;
  }
  return found;
}

void TradeOffPlot::setMarks(std::vector<TradeOffMark> marks, const QString& cost,
                            const QString& result) {
  marks_ = std::move(marks);
  plot_->xAxis->setLabel(cost);
  plot_->yAxis->setLabel(result);
  rebuild();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void TradeOffPlot::setLogarithmicCost(bool logarithmic) {
  is_logarithmic_ = logarithmic;
  rebuild();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void TradeOffPlot::rebuild() {
  plot_->clearGraphs();
  plot_->clearItems();
  labels_.clear();
  const ThemeColors& colors = theme_colors(palette());
  std::vector<engine::TradeOffPoint> points;
  for (const TradeOffMark& mark : marks_) points.push_back(mark.point);
  const bool is_log =
      is_logarithmic_ &&
      std::all_of(points.begin(), points.end(), [](const auto& point) { return point.cost > 0; });
  plot_->xAxis->setScaleType(is_log ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
  plot_->xAxis->setTicker(is_log ? QSharedPointer<QCPAxisTicker>(new QCPAxisTickerLog)
                                 : QSharedPointer<QCPAxisTicker>(new QCPAxisTicker));
  QCPGraph* front = plot_->addGraph();
  front->setPen(QPen(blend(colors.axis_text, colors.plot_background, 0.5), 1, Qt::DashLine));
  front->setLineStyle(QCPGraph::lsStepLeft);
  for (const auto& point : engine::pareto_front(points)) front->addData(point.cost, point.result);
  for (const TradeOffMark& mark : marks_) {
    QCPGraph* dot = plot_->addGraph();
    dot->setLineStyle(QCPGraph::lsNone);
    dot->setScatterStyle(look_glyph(mark.look, mark.baseline, palette()));
    dot->addData(mark.point.cost, mark.point.result);
    auto* label = new QCPItemText(plot_);
    label->setText(mark.label);
    label->setFont(font());
    label->setColor(colors.axis_text);
    label->setPadding(QMargins(7, 0, 7, 2));
    label->position->setCoords(mark.point.cost, mark.point.result);
    labels_.push_back(label);
  }
  double low = std::numeric_limits<double>::infinity(), high = -low, bottom = low, top = high;
  for (const auto& point : points) {
    low = std::min(low, point.cost);
    high = std::max(high, point.cost);
    bottom = std::min(bottom, point.result);
    top = std::max(top, point.result);
  }
  if (points.empty()) return;
  const double tall = std::max(top - bottom, 1e-9) * 0.12;
  plot_->yAxis->setRange(bottom - tall, top + tall);
  if (is_log) {
    const double factor = std::pow(std::max(high / low, 2.0), 0.15);
    plot_->xAxis->setRange(low / factor, high * factor * factor);
  } else {
    const double wide = std::max(high - low, std::max(1e-12, std::abs(high) * 0.05));
    plot_->xAxis->setRange(low - 0.08 * wide, high + 0.25 * wide);
  }
}

void TradeOffPlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange && event->type() != QEvent::FontChange) return;
  style_plot(plot_, this);
  rebuild();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void TradeOffPlot::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  plot_->setBufferDevicePixelRatio(devicePixelRatioF());
}

}  // namespace widgets
