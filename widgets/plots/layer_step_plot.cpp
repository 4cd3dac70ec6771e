// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/layer_step_plot.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/plots/plot_style.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QRegularExpression>
#include <QSharedPointer>
#include <QVBoxLayout>

#include <algorithm>
#include <array>
#include <cmath>

namespace widgets {
namespace {

/// Cividis: even in lightness, and the same to who sees no red or green.
constexpr std::array kStops = {0x00224Eu, 0x1A386Fu, 0x434E6Cu, 0x61656Fu, 0x7D7C78u,
                               0x9B9476u, 0xBCAE6Cu, 0xDEC958u, 0xFEE838u};

QCPColorGradient gradient() {
  QCPColorGradient colors;
  colors.clearColorStops();
  for (std::size_t i = 0; i < kStops.size(); ++i) {
    colors.setColorStopAt(double(i) / double(kStops.size() - 1), QColor::fromRgb(kStops[i]));
  }
  return colors;
}

std::array<QRgb, 256> shades() {
  std::array<QRgb, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double at = double(i) / 255 * double(kStops.size() - 1);
    const auto low = std::min(static_cast<std::size_t>(at), kStops.size() - 2);
    table[i] =
        blend(QColor::fromRgb(kStops[low + 1]), QColor::fromRgb(kStops[low]), at - double(low))
            .rgb();
  }
  return table;
}

QString block_of(const QString& layer) {
  static const QRegularExpression kBlock(QStringLiteral("\\blayers\\.(\\d+)\\."));
  const auto match = kBlock.match(layer);
  return match.hasMatch() ? match.captured(1) : layer;
}

}  // namespace

/// The picture itself, in the coordinates of the axes: cell (column, row) is centred on them.
class LayerStepPlot::Picture : public QCPAbstractItem {
 public:
  Picture(QCustomPlot* plot, const QWidget* owner) : QCPAbstractItem(plot), owner_(owner) {
    setSelectable(false);
  }
  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

  QImage image;  ///< as wide as there is room for columns to come
  int columns = 0;
  int rows = 0;
  std::vector<int> marked;  ///< rows of selected layers, ascending

 protected:
  void draw(QCPPainter* painter) override {
    if (columns == 0 || rows == 0) return;
    const auto* x = parentPlot()->xAxis;
    const auto* y = parentPlot()->yAxis;
    const QRectF target(QPointF(x->coordToPixel(-0.5), y->coordToPixel(-0.5)),
                        QPointF(x->coordToPixel(columns - 0.5), y->coordToPixel(rows - 0.5)));
    painter->fillRect(target, QBrush(theme_colors(owner_->palette()).grid, Qt::BDiagPattern));
    painter->drawImage(target, image, QRectF(0, 0, columns, rows));
    const QColor ink = owner_->palette().color(QPalette::Highlight);
    const QRectF view = parentPlot()->axisRect()->rect();
    for (std::size_t i = 0; i < marked.size();) {
      std::size_t end = i + 1;
      while (end < marked.size() && marked[end] == marked[end - 1] + 1) ++end;
      const double top = y->coordToPixel(marked[i] - 0.5);
      const double bottom = y->coordToPixel(marked[end - 1] + 0.5);
      painter->setBrush(Qt::NoBrush);
      painter->setPen(QPen(ink, 2));
      painter->drawRect(QRectF(view.left() + 1, top, view.width() - 2, bottom - top));
      i = end;
    }
  }

 private:
  const QWidget* owner_;
};

LayerStepPlot::LayerStepPlot(QWidget* parent)
    : QWidget(parent), plot_(new QCustomPlot(this)), scale_(new QCPColorScale(plot_)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(plot_);
  setMinimumSize(characters(this, 24), lines(this, 6));
  plot_->setObjectName(QStringLiteral("layer_steps.canvas"));
  plot_->setAccessibleName(tr("Layers over steps"));
  plot_->setFocusPolicy(Qt::StrongFocus);
  plot_->installEventFilter(this);
  setFocusProxy(plot_);
  plot_->setMouseTracking(true);
  plot_->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  plot_->axisRect()->setMinimumMargins(QMargins(0, lines(this, 0.4), 0, 0));
  picture_ = new Picture(plot_, this);
  plot_->addLayer(QStringLiteral("cursor"));
  plot_->layer(QStringLiteral("cursor"))->setMode(QCPLayer::lmBuffered);
  cursor_ = new QCPItemStraightLine(plot_);
  cursor_->setLayer(QStringLiteral("cursor"));
  cursor_->setVisible(false);
  scale_->setGradient(gradient());
  scale_->setBarWidth(lines(this, 0.6));
  plot_->plotLayout()->addElement(0, 1, scale_);
  plot_->yAxis->setRangeReversed(true);
  plot_->yAxis->setLabel(tr("block"));
  plot_->xAxis->setLabel(tr("step"));

  const auto cell_at = [this](const QPoint& position) {
    const int column = static_cast<int>(std::lround(plot_->xAxis->pixelToCoord(position.x())));
    const int row = static_cast<int>(std::lround(plot_->yAxis->pixelToCoord(position.y())));
    const bool inside = plot_->axisRect()->rect().contains(position) && column >= 0 &&
                        column < grid_.columns() && row >= 0 && row < grid_.rows();
    return inside ? QPoint(column, row) : QPoint(-1, -1);
  };
  connect(plot_, &QCustomPlot::mouseMove, this, [this, cell_at](QMouseEvent* event) {
    const QPoint cell = cell_at(event->pos());
    Q_EMIT pointed(cell.x() < 0 ? QString() : textOf(cell.y(), cell.x()));
  });
  connect(plot_, &QCustomPlot::mousePress, this, [this, cell_at](QMouseEvent* event) {
    const QPoint cell = cell_at(event->pos());
    if (cell.x() >= 0) place(cell.y(), cell.x());
  });
  connect(plot_, &QCustomPlot::mouseDoubleClick, this, [this] {
    plot_->xAxis->setRange(-0.5, std::max(1, grid_.columns()) - 0.5);
    plot_->yAxis->setRange(-0.5, std::max(1, grid_.rows()) - 0.5);
    plot_->replot(QCustomPlot::rpQueuedReplot);
  });
  applyTheme();
}

void LayerStepPlot::showSeries(const engine::LayerSeries& series, const QString& statistic,
                               const QStringList& order) {
  const int before = grid_.columns();
  const bool showed_all = plot_->xAxis->range().upper >= before - 0.5;
  int first = grid_.follow(series, statistic.toStdString(), order);
  if (first < 0) return;
  if (statistic != statistic_) locked_ = false;
  const bool is_new = statistic != statistic_ || picture_->rows != grid_.rows();
  statistic_ = statistic;
  const ValueRange old = scale_range_;
  const bool was_logarithmic = logarithmic_;
  if (!locked_) fitScale();
  if (old.low != scale_range_.low || old.high != scale_range_.high ||
      was_logarithmic != logarithmic_) {
    first = 0;
  }
  paintColumns(first);
  if (is_new) {
    plot_->yAxis->setRange(-0.5, std::max(1, grid_.rows()) - 0.5);
    setSelectedLayers(selected_);
  }
  if (is_new || showed_all || grid_.columns() < before) {
    plot_->xAxis->setRange(-0.5, std::max(1, grid_.columns()) - 0.5);
  }
  labelAxes();
  describe();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerStepPlot::clear() {
  grid_.clear();
  statistic_.clear();
  picture_->columns = 0;
  picture_->rows = 0;
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerStepPlot::setSelectedLayers(const QStringList& layers) {
  selected_ = layers;
  picture_->marked.clear();
  for (int row = 0; row < grid_.rows(); ++row) {
    if (layers.contains(grid_.layers()[row])) picture_->marked.push_back(row);
  }
  if (static_cast<int>(picture_->marked.size()) == grid_.rows()) picture_->marked.clear();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerStepPlot::setCursorStep(double step) {
  const bool is_shown = std::isfinite(step) && grid_.columns() > 0;
  if (!is_shown && !cursor_->visible()) return;
  cursor_->setVisible(is_shown);
  if (is_shown) {
    const double column = grid_.columnOf(step);
    cursor_->point1->setCoords(column, 0);
    cursor_->point2->setCoords(column, 1);
  }
  if (isVisible()) plot_->layer(QStringLiteral("cursor"))->replot();
}

void LayerStepPlot::setScaleLocked(bool locked) {
  locked_ = locked;
  if (locked || grid_.columns() == 0) return;
  fitScale();
  paintColumns(0);
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerStepPlot::fitScale() {
  std::vector<double> sample;
  constexpr std::size_t kSample = 8000;
  const auto count =
      static_cast<std::size_t>(grid_.rows()) * static_cast<std::size_t>(grid_.columns());
  const std::size_t stride = count / kSample + 1;
  for (std::size_t i = 0; i < count; i += stride) {
    const auto row = static_cast<int>(i % static_cast<std::size_t>(grid_.rows()));
    const auto column = static_cast<int>(i / static_cast<std::size_t>(grid_.rows()));
    const double value = grid_.value(row, column);
    if (std::isfinite(value)) sample.push_back(value);
  }
  if (sample.empty()) return;
  std::sort(sample.begin(), sample.end());
  const std::size_t cut = sample.size() >= 50 ? sample.size() / 100 : 0;
  double low = sample[cut];
  double high = sample[sample.size() - 1 - cut];
  const auto positive = std::upper_bound(sample.begin(), sample.end(), 0.0);
  const bool is_decibel = statistic_.endsWith(QLatin1String("_db"));
  logarithmic_ = !is_decibel && low >= 0 && positive != sample.end() && high > 50 * *positive;
  if (logarithmic_) low = std::max(low, *positive);
  if (low == high) {
    low -= std::abs(low) * 0.05 + 1e-12;
    high += std::abs(high) * 0.05 + 1e-12;
  }
  // A live scale that does not twitch: only a change that the eye would miss nothing by is kept.
  const double near = (scale_range_.high - scale_range_.low) * 0.05;
  const bool settled =
      std::abs(low - scale_range_.low) <= near && std::abs(high - scale_range_.high) <= near;
  if (!settled) scale_range_ = {low, high};
  scale_->setDataScaleType(logarithmic_ ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
  if (logarithmic_) {
    scale_->axis()->setTicker(QSharedPointer<QCPAxisTickerLog>::create());
  } else {
    scale_->axis()->setTicker(QSharedPointer<QCPAxisTicker>::create());
  }
  scale_->setDataRange(QCPRange(scale_range_.low, scale_range_.high));
  scale_->axis()->setLabel(statistic_);
}

void LayerStepPlot::paintColumns(int first) {
  static const std::array<QRgb, 256> kShades = shades();
  const QRgb broken = is_dark(palette()) ? qRgb(0xFF, 0x00, 0xFF) : qRgb(0xD1, 0x00, 0xD1);
  const int rows = grid_.rows();
  const int columns = grid_.columns();
  if (picture_->image.height() != rows || picture_->image.width() < columns) {
    const int room = std::min(LayerStepGrid::kMostColumns, std::max(64, columns * 3 / 2));
    QImage larger(std::max(room, columns), std::max(1, rows), QImage::Format_ARGB32_Premultiplied);
    larger.fill(Qt::transparent);
    picture_->image = larger;
    first = 0;
  }
  const double low = logarithmic_ ? std::log(scale_range_.low) : scale_range_.low;
  const double high = logarithmic_ ? std::log(scale_range_.high) : scale_range_.high;
  const double per_unit = 255 / (high - low);
  for (int row = 0; row < rows; ++row) {
    auto* line = reinterpret_cast<QRgb*>(picture_->image.scanLine(row));
    for (int column = first; column < columns; ++column) {
      if (!grid_.has(row, column)) {
        line[column] = 0;
        continue;
      }
      double value = grid_.value(row, column);
      if (!std::isfinite(value)) {
        line[column] = broken;
        continue;
      }
      if (logarithmic_) value = value > 0 ? std::log(value) : low;
      const double shade = std::clamp((value - low) * per_unit, 0.0, 255.0);
      line[column] = kShades[static_cast<std::size_t>(shade + 0.5)];
    }
  }
  picture_->rows = rows;
  picture_->columns = columns;
}

QColor LayerStepPlot::colorAt(int row, int column) const {
  return picture_->image.pixelColor(column, row);
}

void LayerStepPlot::labelAxes() {
  const QSharedPointer<QCPAxisTickerText> blocks(new QCPAxisTickerText);
  struct Block {
    QString name;
    int first;
    int last;
  };
  std::vector<Block> known;
  for (int row = 0; row < grid_.rows(); ++row) {
    const QString name = block_of(grid_.layers()[row]);
    if (known.empty() || known.back().name != name) known.push_back({name, row, row});
    known.back().last = row;
  }
  const int room = std::max(1, plot_->height() / lines(this, 1.6));
  const std::size_t stride = known.size() / static_cast<std::size_t>(room) + 1;
  for (std::size_t i = 0; i < known.size(); i += stride) {
    blocks->addTick((known[i].first + known[i].last) / 2.0, known[i].name);
  }
  plot_->yAxis->setTicker(blocks);
  const QSharedPointer<QCPAxisTickerText> steps(new QCPAxisTickerText);
  const int columns = grid_.columns();
  const int wanted = std::max(2, plot_->width() / characters(this, 16));
  const int every = std::max(1, columns / wanted);
  for (int column = 0; column == 0 || column < columns - every / 3; column += every) {
    const double step = grid_.step(column);
    steps->addTick(column,
                   step < 10000 ? grouped(static_cast<std::int64_t>(step)) : short_count(step));
  }
  plot_->xAxis->setTicker(steps);
}

QString LayerStepPlot::textOf(int row, int column) const {
  const QString value =
      grid_.has(row, column) ? statistic_text(grid_.value(row, column)) : tr("not measured");
  return tr("%1 · step %2 · %3 %4")
      .arg(grid_.layers()[row], grouped(static_cast<std::int64_t>(grid_.step(column))), statistic_,
           value);
}

void LayerStepPlot::place(int row, int column) {
  row_ = row;
  column_ = column;
  Q_EMIT cellClicked(grid_.layers()[row], grid_.step(column));
  Q_EMIT pointed(textOf(row, column));
}

void LayerStepPlot::describe() {
  plot_->setAccessibleDescription(
      tr("%1 of %2 layers at %3 steps, from %4 to %5")
          .arg(statistic_)
          .arg(grid_.rows())
          .arg(grid_.columns())
          .arg(statistic_text(scale_range_.low), statistic_text(scale_range_.high)));
}

void LayerStepPlot::applyTheme() {
  style_plot(plot_, this);
  style_color_scale(scale_, this);
  cursor_->setPen(QPen(QColor(Qt::white), 2, Qt::DashLine));
  for (auto* axis : {plot_->xAxis, plot_->yAxis}) axis->grid()->setVisible(false);
}

void LayerStepPlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange && event->type() != QEvent::FontChange) return;
  applyTheme();
  if (grid_.columns() > 0) paintColumns(0);
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void LayerStepPlot::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  plot_->setBufferDevicePixelRatio(devicePixelRatioF());
}

bool LayerStepPlot::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Leave) Q_EMIT pointed(QString());
  if (event->type() == QEvent::Resize && grid_.columns() > 0) labelAxes();
  if (event->type() != QEvent::KeyPress || grid_.columns() == 0 || grid_.rows() == 0) {
    return QWidget::eventFilter(watched, event);
  }
  int row = std::clamp(row_, 0, grid_.rows() - 1);
  int column = column_ < 0 ? grid_.columns() - 1 : std::min(column_, grid_.columns() - 1);
  switch (static_cast<QKeyEvent*>(event)->key()) {
    case Qt::Key_Up:
      row = std::max(0, row - 1);
      break;
    case Qt::Key_Down:
      row = std::min(grid_.rows() - 1, row_ < 0 ? 0 : row + 1);
      break;
    case Qt::Key_Left:
      column = std::max(0, column - 1);
      break;
    case Qt::Key_Right:
      column = std::min(grid_.columns() - 1, column + 1);
      break;
    default:
      return QWidget::eventFilter(watched, event);
  }
  place(row, column);
  return true;
}

}  // namespace widgets
