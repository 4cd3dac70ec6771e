// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/layer_heat_plot.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/plots/plot_style.h"
#include "widgets/style/metrics.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QMouseEvent>
#include <QRegularExpression>
#include <QSharedPointer>
#include <QVBoxLayout>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// Two hues that meet in the background's own lightness, so that 0 is quiet in either theme.
constexpr std::array<const char*, 9> kLight = {"#7F3B08", "#BE630A", "#EF9E3C",
                                               "#FED7A2", "#F6F6F7", "#CECDE4",
                                               "#988DBE", "#5D3790", "#2D004B"};
constexpr std::array<const char*, 9> kDark = {"#9EB0FF", "#519FD3", "#286886", "#14303E", "#190C09",
                                              "#411201", "#7D341E", "#BE6F63", "#FFADAD"};

QCPColorGradient diverging(bool dark) {
  QCPColorGradient gradient;
  gradient.clearColorStops();
  const auto& stops = dark ? kDark : kLight;
  for (std::size_t i = 0; i < stops.size(); ++i)
    gradient.setColorStopAt(double(i) / double(stops.size() - 1), QColor(QLatin1String(stops[i])));
  gradient.setNanHandling(QCPColorGradient::nhTransparent);
  return gradient;
}

struct Place {
  int block = -1;
  QString kind;
};

/// -1 and the whole name for a layer outside the blocks.
Place place_of(const QString& layer) {
  static const QRegularExpression kLayer(QStringLiteral("^model\\.layers\\.(\\d+)\\.(.+)$"));
  const auto match = kLayer.match(layer);
  if (!match.hasMatch()) return {-1, layer};
  return {match.captured(1).toInt(), match.captured(2)};
}

/// "mlp.up_proj" -> "up", "self_attn" -> "attn".
QString short_kind(const QString& kind) {
  QString last = kind.section(QLatin1Char('.'), -1);
  last.remove(QStringLiteral("_proj"));
  return last == QLatin1String("self_attn") ? QStringLiteral("attn") : last;
}

/// From the first cell's centre to the last one's; a single cell has no neighbour to tell how wide
/// it is.
QCPRange extent_of(int cells) { return cells == 1 ? QCPRange(-0.5, 0.5) : QCPRange(0, cells - 1); }

}  // namespace

LayerHeatPlot::LayerHeatPlot(QWidget* parent) : QWidget(parent), plot_(new QCustomPlot(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(plot_);
  setMinimumSize(characters(this, 24), lines(this, 8));
  plot_->setObjectName(QStringLiteral("layer_heat.canvas"));
  plot_->setAccessibleName(tr("Differences by block and kind of layer"));
  plot_->axisRect()->setMinimumMargins(QMargins(0, lines(this, 0.4), 0, 0));
  map_ = new QCPColorMap(plot_->xAxis, plot_->yAxis);
  map_->setInterpolate(false);
  map_->setTightBoundary(false);
  scale_ = new QCPColorScale(plot_);
  plot_->plotLayout()->addElement(0, 1, scale_);
  scale_->setBarWidth(lines(this, 0.6));
  map_->setColorScale(scale_);
  plot_->yAxis->setRangeReversed(true);
  plot_->yAxis->setLabel(tr("block"));
  connect(plot_, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) {
    const int column = static_cast<int>(std::lround(plot_->xAxis->pixelToCoord(event->pos().x())));
    const int row = static_cast<int>(std::lround(plot_->yAxis->pixelToCoord(event->pos().y())));
    if (column < 0 || column >= kinds_.size() || row < 0 || row >= rows_) return;
    if (std::isnan(value(row, kinds_[column]))) return;
    Q_EMIT layerClicked(QStringLiteral("model.layers.%1.%2").arg(row).arg(kinds_[column]));
  });
  applyTheme();
}

double LayerHeatPlot::value(int block, const QString& kind) const {
  const auto column = kinds_.indexOf(kind);
  if (column < 0 || block < 0 || block >= rows_) return kUnknown;
  return map_->data()->cell(static_cast<int>(column), block);
}

void LayerHeatPlot::setLayers(const std::vector<LayerPair>& layers, const QString& title) {
  kinds_.clear();
  rows_ = 0;
  double largest = 0;
  for (const LayerPair& pair : layers) {
    const Place place = place_of(pair.layer);
    if (place.block < 0) continue;
    if (!kinds_.contains(place.kind)) kinds_ << place.kind;
    rows_ = std::max(rows_, place.block + 1);
    const double difference = pair.other - pair.base;
    if (std::isfinite(difference)) largest = std::max(largest, std::abs(difference));
  }
  const int columns = static_cast<int>(kinds_.size());
  setVisible(columns > 0);
  if (columns == 0) return;
  map_->data()->setSize(columns, rows_);
  map_->data()->setRange(extent_of(columns), extent_of(rows_));
  map_->data()->fill(kUnknown);
  for (const LayerPair& pair : layers) {
    const Place place = place_of(pair.layer);
    const double difference = pair.other - pair.base;
    if (place.block >= 0 && std::isfinite(difference))
      map_->data()->setCell(static_cast<int>(kinds_.indexOf(place.kind)), place.block, difference);
  }
  QSharedPointer<QCPAxisTickerText> names(new QCPAxisTickerText);
  for (int i = 0; i < columns; ++i) names->addTick(i, short_kind(kinds_[i]));
  plot_->xAxis->setTicker(names);
  QSharedPointer<QCPAxisTickerText> blocks(new QCPAxisTickerText);
  const int stride = rows_ / 16 + 1;
  for (int i = 0; i < rows_; i += stride) blocks->addTick(i, QString::number(i));
  plot_->yAxis->setTicker(blocks);
  plot_->xAxis->setRange(-0.5, columns - 0.5);
  plot_->yAxis->setRange(-0.5, rows_ - 0.5);
  const double reach = largest > 0 ? largest : 1;
  map_->setDataRange(QCPRange(-reach, reach));
  scale_->axis()->setLabel(QStringLiteral("Δ ") + title);
  plot_->setAccessibleDescription(tr("%1 blocks, %2 kinds of layer, largest difference %3")
                                      .arg(rows_)
                                      .arg(columns)
                                      .arg(largest));
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerHeatPlot::applyTheme() {
  style_plot(plot_, this);
  map_->setGradient(diverging(is_dark(palette())));
  for (auto* axis : {plot_->xAxis, plot_->yAxis}) axis->grid()->setVisible(false);
  style_color_scale(scale_, this);
}

void LayerHeatPlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange && event->type() != QEvent::FontChange) return;
  applyTheme();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerHeatPlot::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  plot_->setBufferDevicePixelRatio(devicePixelRatioF());
}

}  // namespace widgets
