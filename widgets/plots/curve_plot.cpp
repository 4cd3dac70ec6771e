// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/curve_plot.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/plots/plot_style.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QKeyEvent>
#include <QSharedPointer>
#include <QVBoxLayout>

#include <algorithm>
#include <array>
#include <cmath>

namespace widgets {
namespace {

/// Whole steps only, and 71k instead of 71000.
class StepTicker : public QCPAxisTicker {
 protected:
  double getTickStep(const QCPRange& range) override {
    const double step = QCPAxisTicker::getTickStep(range);
    return step < 10 ? std::ceil(step) : step;
  }
  QString getTickLabel(double tick, const QLocale& locale, QChar, int) override {
    if (std::abs(tick) < 10000) return locale.toString(tick, 'g', 6);
    return short_count(tick);
  }
};

constexpr double kPixelsPerPoint = 2;
/// Of a band's edge: filling a jagged one costs Qt a hundred times what a line does.
constexpr std::size_t kPixelsPerEdge = 8;
/// Beyond that many curves the raw values would only be mud.
constexpr std::size_t kMostGhosts = 4;

QCPScatterStyle end_glyph(int index, const QColor& color) {
  constexpr std::array kShapes = {
      QCPScatterStyle::ssDisc,    QCPScatterStyle::ssSquare,           QCPScatterStyle::ssTriangle,
      QCPScatterStyle::ssDiamond, QCPScatterStyle::ssTriangleInverted, QCPScatterStyle::ssCross,
      QCPScatterStyle::ssStar};
  return {kShapes[static_cast<std::size_t>(index) % kShapes.size()], color, color, 8};
}

}  // namespace

struct CurvePlot::Line {
  Curve curve;
  QCPGraph* ghost = nullptr;
  QCPGraph* main = nullptr;
  QCPGraph* broken = nullptr;
  QCPGraph* end = nullptr;
  QCPGraph* low = nullptr;  ///< with high: the edges of a band, null without one
  QCPGraph* high = nullptr;
  engine::Smoother smoother{1};
  std::vector<double> smooth;
  std::vector<double> smooth_low, smooth_high;  ///< of a band; empty = to be found again
  double last_raw_x = 0;
  double last_raw_y = 0;
};

CurvePlot::CurvePlot(QWidget* parent)
    : QWidget(parent), plot_(new QCustomPlot(this)), cursor_line_(nullptr), cursor_text_(nullptr) {
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
  plot_->setPlottingHint(QCP::phFastPolylines, true);
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
  above->addElement(0, 1, new QCPTextElement(plot_));
  above->setColumnStretchFactor(0, 0.001);
  legend->setVisible(true);
  plot_->plotLayout()->setRowStretchFactor(0, 0.001);
  legend->setLayer(QStringLiteral("legend"));
  legend->setFillOrder(QCPLegend::foColumnsFirst);
  legend->setBorderPen(Qt::NoPen);
  legend->setBrush(Qt::NoBrush);
  legend->setMargins(QMargins(0, 2, 0, 0));
  plot_->setAutoAddPlottableToLegend(false);

  cursor_line_ = new QCPItemStraightLine(plot_);
  cursor_line_->setLayer(QStringLiteral("cursor"));
  cursor_line_->setVisible(false);
  cursor_text_ = new QCPItemText(plot_);
  cursor_text_->setLayer(QStringLiteral("cursor"));
  cursor_text_->setClipToAxisRect(false);
  cursor_text_->setTextAlignment(Qt::AlignLeft);
  cursor_text_->setPadding(QMargins(6, 4, 6, 4));
  cursor_text_->position->setTypeX(QCPItemPosition::ptAbsolute);
  cursor_text_->position->setTypeY(QCPItemPosition::ptAbsolute);
  cursor_text_->setVisible(false);

  connect(plot_->xAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this,
          [this](const QCPRange& range) {
            Q_EMIT xRangeChanged(range.lower, range.upper);
            if (setting_ranges_) return;
            userMoved();
          });
  connect(plot_->yAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this, [this] {
    if (setting_ranges_) return;
    userMoved();
  });
  connect(plot_, &QCustomPlot::mouseMove, this,
          [this](QMouseEvent* event) { moveCursor(event->pos()); });
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
  refresh();
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
  const bool same = marks.size() == marks_.size() &&
                    std::equal(marks.begin(), marks.end(), marks_.begin(),
                               [](const auto& one, const auto& other) {
                                 return one.step == other.step && one.text == other.text;
                               });
  if (same) return;
  for (auto* item : mark_lines_) plot_->removeItem(item);
  mark_lines_.clear();
  marks_ = std::move(marks);
  for (const auto& mark : marks_) {
    auto* item = new QCPItemStraightLine(plot_);
    item->setLayer(QStringLiteral("grid"));
    item->point1->setCoords(mark.step, 1);
    item->point2->setTypeX(QCPItemPosition::ptPlotCoords);
    item->point2->setCoords(mark.step, 2);
    mark_lines_.push_back(item);
  }
  applyTheme();
  refresh();
}

void CurvePlot::setAxisTitle(const QString& title) {
  plot_->yAxis->setLabel(title);
  plot_->setAccessibleName(tr("Curve of %1").arg(title));
  refresh();
}

void CurvePlot::setXAxis(const QString& title, bool whole) {
  plot_->xAxis->setLabel(title);
  whole_x_ = whole;
  if (whole) {
    plot_->xAxis->setTicker(QSharedPointer<StepTicker>::create());
  } else {
    plot_->xAxis->setTicker(QSharedPointer<QCPAxisTicker>::create());
  }
  ranges_known_ = false;
  refresh();
}

void CurvePlot::setLegendShown(bool shown) {
  plot_->legend->setVisible(shown);
  refresh();
}

void CurvePlot::setLeftMargin(int pixels) {
  QMargins margins = plot_->axisRect()->minimumMargins();
  margins.setLeft(pixels);
  plot_->axisRect()->setMinimumMargins(margins);
  refresh();
}

void CurvePlot::setXRange(double low, double high) {
  if (low == plot_->xAxis->range().lower && high == plot_->xAxis->range().upper) return;
  plot_->xAxis->setRange(low, high);
}

void CurvePlot::setExpectedEnd(double step) { expected_end_ = step; }

void CurvePlot::setHalfLife(double steps) {
  if (steps == half_life_) return;
  half_life_ = steps;
  for (auto& line : lines_) {
    for (auto* values : {&line->smooth, &line->smooth_low, &line->smooth_high}) values->clear();
  }
  refresh();
}

void CurvePlot::setShowsRaw(bool shows) {
  if (shows == shows_raw_) return;
  shows_raw_ = shows;
  Q_EMIT showsRawChanged(shows);
  refresh();
}

void CurvePlot::setLogarithmic(bool logarithmic) {
  if (logarithmic == logarithmic_) return;
  logarithmic_ = logarithmic;
  plot_->yAxis->setScaleType(logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
  if (logarithmic) {
    plot_->yAxis->setTicker(QSharedPointer<QCPAxisTickerLog>::create());
  } else {
    plot_->yAxis->setTicker(QSharedPointer<QCPAxisTicker>::create());
  }
  ranges_known_ = false;
  Q_EMIT logarithmicChanged(logarithmic);
  setFollowing(true);
  refresh();
}

void CurvePlot::setFollowing(bool following) {
  if (following) ranges_known_ = false;
  if (following == following_) return;
  following_ = following;
  Q_EMIT followingChanged(following);
  if (following) refresh();
}

void CurvePlot::refresh() {
  if (dirty_) return;
  dirty_ = true;
  if (!isVisible()) return;
  QMetaObject::invokeMethod(
      this,
      [this] {
        if (!isVisible()) return;
        draw();
        plot_->replot(QCustomPlot::rpQueuedReplot);
      },
      Qt::QueuedConnection);
}

void CurvePlot::updateSmoothed(Line& line) {
  const auto x = line.curve.series->x();
  const auto y = line.curve.series->y();
  const std::size_t done = line.smooth.size();
  const auto same = [](double one, double other) {
    return one == other || (std::isnan(one) && std::isnan(other));
  };
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

void CurvePlot::draw() {
  dirty_ = false;
  for (auto& line : lines_) {
    if (line->curve.series != nullptr) updateSmoothed(*line);
  }
  if (following_) fitRanges();

  const QCPRange range = plot_->xAxis->range();
  const auto columns = static_cast<std::size_t>(std::max(1, plot_->axisRect()->width()));
  const auto fill = [](QCPGraph* graph, const std::vector<engine::SeriesPoint>& points) {
    QVector<QCPGraphData> values;
    values.reserve(static_cast<int>(points.size()));
    for (const auto& point : points) values.append({point.x, point.y});
    graph->data()->set(values, true);
  };
  for (auto& line : lines_) {
    const auto* series = line->curve.series;
    if (series == nullptr) continue;
    if (series->size() > 0) line->main->addToLegend();
    if (line->curve.sparse) {
      fill(line->main, series->envelope(range.lower, range.upper, columns));
      line->ghost->data()->clear();
    } else {
      const bool has_ghost = shows_raw_ && lines_.size() <= kMostGhosts && line->low == nullptr;
      fill(line->ghost, has_ghost ? series->envelope(range.lower, range.upper, columns)
                                  : std::vector<engine::SeriesPoint>{});
      fill(line->main, one_per_column(series->x(), line->smooth, range.lower, range.upper,
                                      static_cast<std::size_t>(static_cast<double>(columns) /
                                                               kPixelsPerPoint)));
    }
    std::vector<engine::SeriesPoint> end;
    if (line->curve.glyph >= 0 && !line->main->data()->isEmpty()) {
      const QCPGraphData& last = *(line->main->data()->constEnd() - 1);
      end.push_back({last.key, last.value});
    }
    fill(line->end, end);
    drawBand(*line, columns);
    auto broken = series->non_finite();
    for (auto& point : broken) {
      if (!std::isfinite(point.y)) point.y = plot_->yAxis->range().center();
    }
    fill(line->broken, broken);
  }
  describe();
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
    QVector<QCPGraphData> values;
    for (const auto& point :
         one_per_column(series.x(), smooth, range.lower, range.upper, columns / kPixelsPerEdge))
      values.append({point.x, point.y});
    graph->data()->set(values, true);
  };
  draw(line.low, *line.curve.low, line.smooth_low);
  draw(line.high, *line.curve.high, line.smooth_high);
}

void CurvePlot::fitRanges() {
  bool any = false;
  double first = 0;
  double last = -std::numeric_limits<double>::infinity();
  ValueRange wanted{std::numeric_limits<double>::infinity(),
                    -std::numeric_limits<double>::infinity()};
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr || line->curve.series->size() == 0) continue;
    const auto y = line->curve.series->y();
    if (std::none_of(y.begin(), y.end(), [](double value) { return std::isfinite(value); })) {
      continue;
    }
    const ValueRange range =
        robust_range(shows_raw_ || line->curve.sparse ? y : std::span<const double>(line->smooth));
    wanted.low = std::min(wanted.low, range.low);
    wanted.high = std::max(wanted.high, range.high);
    first = std::min(first, line->curve.series->x().front());
    last = std::max(last, line->curve.series->x().back());
    any = true;
  }
  setting_ranges_ = true;
  if (!any) {
    plot_->xAxis->setRange(0, expected_end_ > 0 ? expected_end_ : 100);
    plot_->yAxis->setRange(logarithmic_ ? 0.1 : 0, 1);
    ranges_known_ = false;
  } else {
    double end = plot_->xAxis->range().upper;
    if (!ranges_known_ || last > end || last < end / 3) {
      end = last * 1.25;
      if (expected_end_ >= last) end = std::min(end, expected_end_ * 1.02);
      if (end <= first) end = first + 1;
    }
    plot_->xAxis->setRange(first, end);
    y_range_ = ranges_known_ ? settle(y_range_, wanted) : wanted;
    if (logarithmic_ && y_range_.low <= 0) {
      double smallest = y_range_.high;
      for (const auto& line : lines_) {
        if (line->curve.series == nullptr) continue;
        for (const double value : line->curve.series->y()) {
          if (value > 0 && std::isfinite(value)) smallest = std::min(smallest, value);
        }
      }
      y_range_.low = smallest * 0.9;
    }
    plot_->yAxis->setRange(y_range_.low, y_range_.high);
    ranges_known_ = true;
  }
  setting_ranges_ = false;
}

void CurvePlot::userMoved() {
  setFollowing(false);
  refresh();
}

void CurvePlot::showAll() {
  ranges_known_ = false;
  following_ = false;
  setFollowing(true);
}

void CurvePlot::moveCursor(const QPoint& position) {
  const auto* rect = plot_->axisRect();
  if (lines_.empty() || !rect->rect().contains(position)) {
    hideCursor();
    return;
  }
  const double at = plot_->xAxis->pixelToCoord(position.x());
  QStringList rows;
  double step = std::numeric_limits<double>::quiet_NaN();
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr || line->curve.series->size() == 0) continue;
    const auto x = line->curve.series->x();
    auto index = std::lower_bound(x.begin(), x.end(), at) - x.begin();
    if (index == static_cast<std::ptrdiff_t>(x.size())) --index;
    if (index > 0 &&
        at - x[static_cast<std::size_t>(index) - 1] < x[static_cast<std::size_t>(index)] - at) {
      --index;
    }
    const auto i = static_cast<std::size_t>(index);
    if (std::isnan(step)) step = x[i];
    const double raw = line->curve.series->y()[i];
    const auto number = [](double value) { return QLocale().toString(value, 'g', 5); };
    if (line->curve.sparse) {
      if (x[i] <= step) rows << tr("%1  %2").arg(line->curve.label, number(raw));
    } else if (i < line->smooth.size()) {
      rows << tr("%1  %2   smoothed %3")
                  .arg(line->curve.label, std::isfinite(raw) ? number(raw) : loss_text(raw),
                       number(line->smooth[i]));
    }
  }
  if (std::isnan(step)) {
    hideCursor();
    return;
  }
  cursor_line_->point1->setCoords(step, 1);
  cursor_line_->point2->setCoords(step, 2);
  const QString place =
      whole_x_ ? grouped(static_cast<std::int64_t>(step)) : QLocale().toString(step, 'g', 4);
  cursor_text_->setText(plot_->xAxis->label() + QLatin1Char(' ') + place + QLatin1Char('\n') +
                        rows.join(QLatin1Char('\n')));
  const bool left = position.x() > rect->rect().center().x();
  cursor_text_->setPositionAlignment((left ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignTop);
  cursor_text_->position->setCoords(position.x() + (left ? -10 : 10), rect->top() + 4);
  cursor_line_->setVisible(true);
  cursor_text_->setVisible(true);
  plot_->layer(QStringLiteral("cursor"))->replot();
}

void CurvePlot::hideCursor() {
  if (cursor_line_ == nullptr || !cursor_line_->visible()) return;
  cursor_line_->setVisible(false);
  cursor_text_->setVisible(false);
  plot_->layer(QStringLiteral("cursor"))->replot();
}

void CurvePlot::describe() {
  if (described_.isValid() && described_.elapsed() < 1000) return;
  described_.start();
  QStringList parts;
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr || line->curve.series->size() == 0) continue;
    parts << tr("%1 is %2 at step %3")
                 .arg(line->curve.label, loss_text(line->curve.series->y().back()),
                      grouped(static_cast<std::int64_t>(line->curve.series->x().back())));
  }
  plot_->setAccessibleDescription(parts.join(QStringLiteral("; ")));
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
    line->end->setScatterStyle(end_glyph(std::max(0, line->curve.glyph), ink));
    if (line->curve.sparse) {
      line->main->setPen(QPen(ink, line->curve.baseline ? 2 : 1));
      line->main->setLineStyle(QCPGraph::lsLine);
      line->main->setScatterStyle(
          QCPScatterStyle(QCPScatterStyle::ssDiamond, ink, colors.plot_background, 8));
    }
    if (line->high != nullptr) line->high->setBrush(blend(ink, colors.plot_background, 0.18));
    line->broken->setScatterStyle(
        QCPScatterStyle(QCPScatterStyle::ssTriangle, colors.error, colors.error, 9));
    line->broken->setPen(QPen(colors.error, 0));
  }
  for (auto* mark : mark_lines_) {
    mark->setPen(QPen(blend(colors.axis_text, colors.plot_background, 0.3), 0, Qt::DotLine));
  }
  cursor_line_->setPen(QPen(colors.axis_text, 0));
  cursor_text_->setFont(small);
  cursor_text_->setColor(palette().color(QPalette::ToolTipText));
  cursor_text_->setBrush(palette().color(QPalette::ToolTipBase));
  cursor_text_->setPen(QPen(colors.separator, 0));
}

void CurvePlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
    applyTheme();
    refresh();
  }
}

void CurvePlot::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  plot_->setBufferDevicePixelRatio(devicePixelRatioF());
  dirty_ = false;
  refresh();
}

void CurvePlot::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  refresh();
}

bool CurvePlot::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Leave) hideCursor();
  if (event->type() != QEvent::KeyPress) return QWidget::eventFilter(watched, event);
  switch (static_cast<QKeyEvent*>(event)->key()) {
    case Qt::Key_L:
      setLogarithmic(!logarithmic_);
      return true;
    case Qt::Key_F:
      setFollowing(!following_);
      return true;
    case Qt::Key_R:
      setShowsRaw(!shows_raw_);
      return true;
    case Qt::Key_0:
      showAll();
      return true;
    default:
      return QWidget::eventFilter(watched, event);
  }
}

}  // namespace widgets
