// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/layer_difference_plot.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/plots/plot_style.h"
#include "widgets/plots/thinning.h"
#include "widgets/style/metrics.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QMouseEvent>
#include <QSharedPointer>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

constexpr std::size_t kMostLayers = 40;
const QString kPrefix = QStringLiteral("model.layers.");

QString short_name(const QString& layer) {
  return layer.startsWith(kPrefix) ? layer.mid(kPrefix.size()) : layer;
}

}  // namespace

LayerDifferencePlot::LayerDifferencePlot(QWidget* parent)
    : QWidget(parent), plot_(new QCustomPlot(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(plot_);
  setMinimumSize(characters(this, 30), lines(this, 8));
  plot_->setObjectName(QStringLiteral("layer_difference.canvas"));
  plot_->setAccessibleName(tr("Layers of two runs"));
  plot_->setFocusPolicy(Qt::StrongFocus);
  plot_->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  plot_->axisRect()->setRangeDrag(Qt::Horizontal);
  plot_->axisRect()->setRangeZoom(Qt::Horizontal);
  plot_->axisRect()->setMinimumMargins(QMargins(0, lines(this, 0.4), lines(this, 0.8), 0));
  // Above the rows: inside it would cover some.
  auto* legend = plot_->legend;
  plot_->axisRect()->insetLayout()->take(legend);
  plot_->plotLayout()->insertRow(0);
  plot_->plotLayout()->addElement(0, 0, legend);
  plot_->plotLayout()->setRowStretchFactor(0, 0.001);
  legend->setFillOrder(QCPLegend::foColumnsFirst);
  legend->setBorderPen(Qt::NoPen);
  legend->setBrush(Qt::NoBrush);
  legend->setMargins(QMargins(0, 2, 0, 0));
  legend->setVisible(true);
  plot_->setAutoAddPlottableToLegend(false);
  connect(plot_, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) {
    const double y = plot_->yAxis->pixelToCoord(event->pos().y());
    const auto row = static_cast<std::ptrdiff_t>(std::lround(-y));
    if (row >= 0 && row < static_cast<std::ptrdiff_t>(layers_.size()))
      Q_EMIT layerClicked(layers_[static_cast<std::size_t>(row)].layer);
  });
  style_plot(plot_, this);
}

void LayerDifferencePlot::setLayers(std::vector<LayerPair> layers, const QString& title,
                                    const QString& base, const QString& other, int look) {
  std::erase_if(layers, [](const LayerPair& pair) {
    return !std::isfinite(pair.base) || !std::isfinite(pair.other);
  });
  std::stable_sort(layers.begin(), layers.end(), [](const LayerPair& a, const LayerPair& b) {
    return std::abs(a.other - a.base) > std::abs(b.other - b.base);
  });
  const std::size_t all = layers.size();
  if (layers.size() > kMostLayers) layers.resize(kMostLayers);
  layers_ = std::move(layers);
  title_ = all > layers_.size() ? tr("%1 (the %2 largest differences of %3 layers)")
                                      .arg(title)
                                      .arg(layers_.size())
                                      .arg(all)
                                : title;
  base_ = base;
  other_ = other;
  look_ = look;
  rebuild();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerDifferencePlot::rebuild() {
  plot_->clearPlottables();
  plot_->clearItems();
  plot_->legend->clearItems();
  const ThemeColors& colors = theme_colors(palette());
  QSharedPointer<QCPAxisTickerText> names(new QCPAxisTickerText);
  std::vector<double> values;
  QCPGraph* base = plot_->addGraph();
  QCPGraph* other = plot_->addGraph();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const LayerPair& pair = layers_[i];
    const double y = -static_cast<double>(i);
    names->addTick(y, short_name(pair.layer));
    base->addData(pair.base, y);
    other->addData(pair.other, y);
    values.push_back(pair.base);
    values.push_back(pair.other);
    auto* bar = new QCPItemLine(plot_);
    bar->start->setCoords(pair.base, y);
    bar->end->setCoords(pair.other, y);
    bar->setPen(QPen(blend(colors.run(look_), colors.plot_background, 0.5), 3));
    bar->setLayer(QStringLiteral("grid"));
  }
  const auto dots = [&](QCPGraph* graph, const QCPScatterStyle& glyph, const QString& name) {
    graph->setLineStyle(QCPGraph::lsNone);
    graph->setScatterStyle(glyph);
    graph->setName(name);
    graph->addToLegend();
  };
  dots(base,
       QCPScatterStyle(QCPScatterStyle::ssSquare, QPen(colors.baseline, 2), colors.plot_background,
                       8),
       base_);
  dots(other, look_glyph(look_, false, palette()), other_);
  plot_->legend->setFont(font());
  plot_->legend->setTextColor(colors.axis_text);
  plot_->yAxis->setTicker(names);
  plot_->xAxis->setLabel(title_);
  plot_->yAxis->setRange(-static_cast<double>(layers_.size()) + 0.4, 0.6);
  double low = 0, high = 1;
  if (!values.empty()) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    const double margin = std::max((*most - *least) * 0.06, 1e-12);
    low = *least - margin;
    high = *most + margin;
  }
  plot_->xAxis->setRange(low, high);
}

void LayerDifferencePlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange && event->type() != QEvent::FontChange) return;
  style_plot(plot_, this);
  rebuild();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerDifferencePlot::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  plot_->setBufferDevicePixelRatio(devicePixelRatioF());
}

}  // namespace widgets
