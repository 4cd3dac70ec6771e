// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/curve_plot.h"

#include "widgets/plots/axis_tickers.h"
#include "widgets/plots/curve_cursor.h"
#include "widgets/plots/curve_plot_line.h"
#include "widgets/plots/edge_marks.h"
#include "widgets/plots/event_marks.h"
#include "widgets/plots/plot_style.h"
#include "widgets/style/metrics.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QMouseEvent>
#include <QSharedPointer>
#include <QVBoxLayout>

namespace widgets {
CurvePlot::CurvePlot(QWidget* parent) : QWidget(parent), plot_(new QCustomPlot(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(plot_);
  setMinimumSize(characters(this, 24), lines(this, 6));
  setObjectName(QStringLiteral("curve_plot"));
  plot_->setObjectName(QStringLiteral("curve_plot.canvas"));
  plot_->setAccessibleName(tr("Curve"));
  plot_->setFocusPolicy(Qt::StrongFocus);
  plot_->installEventFilter(this);
  setFocusProxy(plot_);

  for (const char* name : {"ghosts", "lines", "events"}) plot_->addLayer(QLatin1String(name));
  plot_->addLayer(QStringLiteral("cursor"));
  plot_->layer(QStringLiteral("cursor"))->setMode(QCPLayer::lmBuffered);
  set_up_drawing(plot_);
  plot_->setNoAntialiasingOnDrag(true);
  plot_->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  plot_->xAxis->setLabel(tr("step"));
  plot_->xAxis->setTicker(QSharedPointer<StepTicker>::create());
  plot_->axisRect()->setMinimumMargins(QMargins(0, lines(this, 0.4), lines(this, 0.8), 0));

  auto* legend = plot_->legend;
  plot_->axisRect()->insetLayout()->take(legend);
  auto* above = new QCPLayoutGrid;
  plot_->plotLayout()->insertRow(0);
  plot_->plotLayout()->addElement(0, 0, above);
  above->addElement(0, 0, legend);
  title_ = new QCPTextElement(plot_);
  title_->setTextFlags(Qt::AlignRight | Qt::AlignVCenter);
  title_->setMargins(QMargins(0, 0, 4, 0));
  above->addElement(0, 1, title_);
  above->setColumnStretchFactor(0, 0.001);
  legend->setVisible(true);
  plot_->plotLayout()->setRowStretchFactor(0, 0.001);
  legend->setLayer(QStringLiteral("legend"));
  legend->setFillOrder(QCPLegend::foColumnsFirst);
  legend->setBorderPen(Qt::NoPen);
  legend->setBrush(Qt::NoBrush);
  legend->setMargins(QMargins(lines(this, 0.4), 2, 0, 0));
  plot_->setAutoAddPlottableToLegend(false);

  events_ = new EventMarks(plot_, this);
  events_->setLayer(QStringLiteral("events"));
  outside_ = new EdgeMarks(plot_, this);
  outside_->setLayer(QStringLiteral("events"));
  cursor_ = std::make_unique<CurveCursor>(plot_, this, QStringLiteral("cursor"));

  connect(plot_->xAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this,
          [this](const QCPRange& range) {
            if (!setting_ranges_) userMoved();
            Q_EMIT xRangeChanged(range.lower, range.upper);
          });
  connect(plot_->yAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this, [this] {
    if (setting_ranges_) return;
    userMoved();
  });
  connect(plot_, &QCustomPlot::mouseMove, this,
          [this](QMouseEvent* event) { moveCursor(event->pos()); });
  connect(plot_, &QCustomPlot::mousePress, this,
          [this](QMouseEvent* event) { pressed_at_ = event->pos(); });
  connect(plot_, &QCustomPlot::mouseRelease, this, [this](QMouseEvent* event) {
    const bool is_click = (event->pos() - pressed_at_).manhattanLength() < 4;
    if (is_click && event->button() == Qt::LeftButton) togglePin();
  });
  connect(plot_, &QCustomPlot::mouseDoubleClick, this, [this] { showAll(); });
  applyTheme();
}

CurvePlot::~CurvePlot() = default;

void CurvePlot::setCurves(std::vector<Curve> curves) {
  hideCursor();
  plot_->legend->clearItems();
  plot_->clearGraphs();
  lines_.clear();
  for (auto& curve : curves) {
    auto line = std::make_unique<Line>();
    line->curve = std::move(curve);
    line->smoother = engine::Smoother(half_life_);
    line->ghost = plot_->addGraph();
    line->ghost->setLayer(QStringLiteral("ghosts"));
    line->ghost->setAdaptiveSampling(false);
    line->ghost->setAntialiased(false);
    if (line->curve.low != nullptr && line->curve.high != nullptr) {
      line->low = plot_->addGraph();
      line->high = plot_->addGraph();
      for (QCPGraph* edge : {line->low, line->high}) {
        edge->setLayer(QStringLiteral("ghosts"));
        edge->setAdaptiveSampling(false);
        edge->setPen(Qt::NoPen);
        edge->setAntialiasedFill(false);
      }
      line->high->setChannelFillGraph(line->low);
    }
    line->main = plot_->addGraph();
    line->main->setLayer(QStringLiteral("lines"));
    line->main->setAdaptiveSampling(false);
    line->main->setName(line->curve.label);
    line->broken = plot_->addGraph();
    line->broken->setLayer(QStringLiteral("events"));
    line->broken->setLineStyle(QCPGraph::lsNone);
    line->end = plot_->addGraph();
    line->end->setLayer(QStringLiteral("events"));
    line->end->setLineStyle(QCPGraph::lsNone);
    lines_.push_back(std::move(line));
  }
  ranges_known_ = false;
  applyTheme();
  setFollowing(true);
  redraw();
}

void CurvePlot::setSeries(const std::vector<Curve>& curves) {
  for (std::size_t i = 0; i < lines_.size() && i < curves.size(); ++i) {
    lines_[i]->curve.series = curves[i].series;
    lines_[i]->curve.low = curves[i].low;
    lines_[i]->curve.high = curves[i].high;
    lines_[i]->smooth_low.clear();
    lines_[i]->smooth_high.clear();
  }
  refresh();
}

void CurvePlot::setMarks(std::vector<StepMark> marks) {
  if (marks == events_->marks()) return;
  events_->setMarks(std::move(marks));
  redraw();
}

void CurvePlot::setTitle(const QString& title) {
  title_->setText(title);
  plot_->setAccessibleName(tr("Curve of %1").arg(title));
  redraw();
}

void CurvePlot::setAxisTitle(const QString& title) {
  plot_->yAxis->setLabel(title);
  if (!title.isEmpty()) plot_->setAccessibleName(tr("Curve of %1").arg(title));
  redraw();
}

void CurvePlot::setXAxis(const QString& title, bool whole) {
  plot_->xAxis->setLabel(title);
  whole_x_ = whole;
  setXTicker();
  ranges_known_ = false;
  redraw();
}

void CurvePlot::setXTicker() {
  if (logarithmic_x_) {
    plot_->xAxis->setTicker(QSharedPointer<QCPAxisTickerLog>::create());
  } else if (whole_x_) {
    plot_->xAxis->setTicker(QSharedPointer<StepTicker>::create());
  } else {
    plot_->xAxis->setTicker(QSharedPointer<QCPAxisTicker>::create());
  }
}

void CurvePlot::setLogarithmicX(bool logarithmic) {
  if (logarithmic == logarithmic_x_) return;
  logarithmic_x_ = logarithmic;
  plot_->xAxis->setScaleType(logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
  setXTicker();
  ranges_known_ = false;
  setFollowing(true);
  redraw();
}

void CurvePlot::setYTicker() {
  if (logarithmic_) {
    plot_->yAxis->setTicker(QSharedPointer<QCPAxisTickerLog>::create());
  } else if (value_text_) {
    plot_->yAxis->setTicker(QSharedPointer<WordedTicker>::create(value_text_));
  } else {
    plot_->yAxis->setTicker(QSharedPointer<QCPAxisTicker>::create());
  }
}

void CurvePlot::setValueText(std::function<QString(double)> text) {
  value_text_ = std::move(text);
  setYTicker();
  redraw();
}

void CurvePlot::setPlaceText(std::function<QString(double)> text) { place_text_ = std::move(text); }

void CurvePlot::setLegendShown(bool shown) {
  legend_shown_ = shown;
  plot_->legend->setVisible(shown);
  redraw();
}

void CurvePlot::setLeftMargin(int pixels) {
  QMargins margins = plot_->axisRect()->minimumMargins();
  margins.setLeft(pixels);
  plot_->axisRect()->setMinimumMargins(margins);
  redraw();
}

void CurvePlot::setExpectedEnd(double step) { expected_end_ = step; }

void CurvePlot::setHalfLife(double steps) {
  if (steps == half_life_) return;
  half_life_ = steps;
  for (auto& line : lines_) line->forget();
  redraw();
}

void CurvePlot::setShowsRaw(bool shows) {
  if (shows == shows_raw_) return;
  shows_raw_ = shows;
  for (auto& line : lines_) line->ranged = 0;
  Q_EMIT showsRawChanged(shows);
  redraw();
}

void CurvePlot::setLogarithmic(bool logarithmic) {
  if (logarithmic == logarithmic_) return;
  logarithmic_ = logarithmic;
  plot_->yAxis->setScaleType(logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
  setYTicker();
  ranges_known_ = false;
  Q_EMIT logarithmicChanged(logarithmic);
  setFollowing(true);
  redraw();
}

void CurvePlot::redraw() {
  must_replot_ = true;
  refresh();
}

void CurvePlot::refresh() {
  if (dirty_) return;
  dirty_ = true;
  if (!isVisible()) return;
  QMetaObject::invokeMethod(
      this,
      [this] {
        if (!isVisible()) return;
        if (draw()) plot_->replot(QCustomPlot::rpQueuedReplot);
      },
      Qt::QueuedConnection);
}

std::unique_ptr<CurvePlot> CurvePlot::printable(const QSize& size) const {
  auto copy = std::make_unique<CurvePlot>();
  copy->setPalette(light_palette());
  copy->setFont(font());
  std::vector<Curve> curves;
  for (const auto& line : lines_) curves.push_back(line->curve);
  copy->half_life_ = half_life_;
  copy->shows_raw_ = shows_raw_;
  copy->setCurves(std::move(curves));
  copy->setMarks(events_->marks());
  copy->setTitle(title_->text());
  copy->setAxisTitle(plot_->yAxis->label());
  copy->setXAxis(plot_->xAxis->label(), whole_x_);
  copy->setValueText(value_text_);
  copy->setLogarithmic(logarithmic_);
  copy->setLogarithmicX(logarithmic_x_);
  copy->setLegendShown(legend_shown_);
  copy->plot_->axisRect()->setMinimumMargins(plot_->axisRect()->minimumMargins());
  copy->expected_end_ = expected_end_;
  copy->setting_ranges_ = true;
  copy->plot_->xAxis->setRange(plot_->xAxis->range());
  copy->plot_->yAxis->setRange(plot_->yAxis->range());
  copy->setting_ranges_ = false;
  copy->y_range_ = y_range_;
  copy->ranges_known_ = ranges_known_;
  copy->following_ = following_;
  copy->applyTheme();
  copy->draw();  // fills the legend, which the layout depends on
  copy->plot_->toPixmap(size.width(), size.height());
  copy->draw();  // to the width that the layout has found
  return copy;
}

void CurvePlot::applyTheme() {
  const auto& colors = theme_colors(palette());
  const QFont small = font();
  style_plot(plot_, this);
  plot_->legend->setFont(small);
  plot_->legend->setTextColor(colors.axis_text);
  for (auto& line : lines_) {
    line->ghost->setPen(QPen(colors.ghost(line->curve.color), 0));
    const QColor ink = line->curve.baseline ? colors.baseline : colors.run(line->curve.color);
    line->main->setPen(QPen(ink, line->curve.baseline ? 2.5 : 2));
    if (line->curve.baseline)
      line->ghost->setPen(QPen(blend(ink, colors.plot_background, 1.0 / 3), 0));
    const QCPScatterStyle shape = look_glyph(line->curve.color, line->curve.baseline, palette());
    line->end->setScatterStyle(shape);
    if (line->curve.sparse) {
      line->main->setPen(QPen(ink, line->curve.baseline ? 2 : 1));
      line->main->setLineStyle(QCPGraph::lsLine);
      line->main->setScatterStyle(
          line->curve.marked
              ? shape
              : QCPScatterStyle(QCPScatterStyle::ssDiamond, ink, colors.plot_background, 8));
    }
    if (line->high != nullptr) line->high->setBrush(blend(ink, colors.plot_background, 0.18));
    line->broken->setScatterStyle(
        QCPScatterStyle(QCPScatterStyle::ssTriangle, colors.error, colors.error, 9));
    line->broken->setPen(QPen(colors.error, 0));
  }
  title_->setFont(small);
  title_->setTextColor(colors.axis_text);
  cursor_->applyTheme();
}

void CurvePlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
    applyTheme();
    redraw();
  }
}

void CurvePlot::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  plot_->setBufferDevicePixelRatio(devicePixelRatioF());
  dirty_ = false;
  redraw();
}

void CurvePlot::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  redraw();
}

}  // namespace widgets
