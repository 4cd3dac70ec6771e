// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/difference_plot.h"

#include "engine/compare/run_comparison.h"
#include "widgets/plots/axis_tickers.h"
#include "widgets/plots/curve_cursor.h"
#include "widgets/plots/custom_plot.h"
#include "widgets/plots/difference_marks.h"
#include "widgets/plots/plot_style.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QLocale>
#include <QMouseEvent>
#include <QSharedPointer>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

/// Beyond that many curves the raw differences would only be mud, and lines need fewer points: each
/// costs the frame as much as a glyph, and a noisy line says no more with more of them.
constexpr std::size_t kMostGhosts = 4;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

void fill(QCPGraph* graph, const std::vector<engine::SeriesPoint>& points) {
  QVector<QCPGraphData> values;
  values.reserve(static_cast<int>(points.size()));
  for (const auto& point : points) values.append({point.x, point.y});
  graph->data()->set(values, true);
}

void fill(QCPGraph* graph, const std::vector<double>& x, const std::vector<double>& y) {
  QVector<QCPGraphData> values;
  values.reserve(static_cast<int>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) values.append({x[i], y[i]});
  graph->data()->set(values, true);
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
  plot_->installEventFilter(this);
  for (const char* name : {"bands", "ends"}) plot_->addLayer(QLatin1String(name));
  plot_->moveLayer(plot_->layer(QStringLiteral("bands")), plot_->layer(QStringLiteral("main")),
                   QCustomPlot::limBelow);
  plot_->addLayer(QStringLiteral("cursor"));
  plot_->layer(QStringLiteral("cursor"))->setMode(QCPLayer::lmBuffered);
  set_up_drawing(plot_);
  plot_->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  plot_->setAutoAddPlottableToLegend(false);
  plot_->axisRect()->setMinimumMargins(QMargins(0, lines(this, 0.4), lines(this, 0.8), 0));
  cursor_ = std::make_unique<CurveCursor>(plot_, this, QStringLiteral("cursor"));
  marks_ = std::make_unique<DifferenceMarks>(plot_);
  connect(plot_->xAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this,
          [this](const QCPRange& range) {
            thin();
            if (!is_setting_range_) Q_EMIT xRangeChanged(range.lower, range.upper);
          });
  connect(plot_, &QCustomPlot::mouseMove, this,
          [this](QMouseEvent* event) { moveCursor(event->pos()); });
  style_plot(plot_, this);
}

DifferencePlot::~DifferencePlot() = default;

void DifferencePlot::setTitles(const QString& x, const QString& y, bool whole) {
  if (x == plot_->xAxis->label() && y == plot_->yAxis->label() && whole == whole_x_) return;
  plot_->xAxis->setLabel(x);
  plot_->yAxis->setLabel(y);
  whole_x_ = whole;
  setLogarithmicX(plot_->xAxis->scaleType() == QCPAxis::stLogarithmic);
}

void DifferencePlot::setLogarithmicX(bool logarithmic) {
  plot_->xAxis->setScaleType(logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
  plot_->xAxis->setTicker(logarithmic ? QSharedPointer<QCPAxisTicker>(new QCPAxisTickerLog)
                          : whole_x_  ? QSharedPointer<QCPAxisTicker>(new StepTicker)
                                      : QSharedPointer<QCPAxisTicker>(new QCPAxisTicker));
  thin();
  plot_->replot(QCustomPlot::rpQueuedReplot);
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

bool DifferencePlot::isDrawnAlike(const std::vector<DifferenceCurve>& curves) const {
  return std::equal(curves.begin(), curves.end(), curves_.begin(), curves_.end(),
                    [](const DifferenceCurve& one, const DifferenceCurve& other) {
                      return one.look == other.look &&
                             one.series->isGroup() == other.series->isGroup();
                    });
}

void DifferencePlot::setDifferences(std::vector<DifferenceCurve> curves) {
  std::erase_if(curves, [](const DifferenceCurve& curve) {
    return curve.series->isEmpty() && curve.series->gaps.empty();
  });
  const bool is_alike = curves.size() == lines_.size() && isDrawnAlike(curves);
  curves_ = std::move(curves);
  if (!is_alike) makeLines();
  marks_->place(curves_, palette());
  fitValues();
  thin();
  QStringList parts;
  for (const DifferenceCurve& curve : curves_) {
    const auto& at = curve.series->leaves_at;
    parts << (at ? tr("%1 leaves the noise band at %2").arg(curve.label).arg(*at)
                 : tr("%1 stays in the noise band").arg(curve.label));
  }
  plot_->setAccessibleDescription(parts.join(QStringLiteral("; ")));
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void DifferencePlot::makeLines() {
  plot_->clearGraphs();
  lines_.clear();
  const auto add = [this](const char* layer) {
    QCPGraph* graph = plot_->addGraph();
    graph->setAdaptiveSampling(false);
    graph->setLayer(QLatin1String(layer));
    return graph;
  };
  for (const DifferenceCurve& curve : curves_) {
    Line line;
    if (curve.series->isGroup()) {
      line.low = add("bands");
      line.high = add("bands");
      for (QCPGraph* edge : {line.low, line.high}) {
        edge->setPen(Qt::NoPen);
        edge->setAntialiasedFill(false);
      }
      line.high->setChannelFillGraph(line.low);
    } else if (curves_.size() <= kMostGhosts) {
      line.ghost = add("main");
    }
    line.main = add("main");
    line.end = add("ends");
    line.end->setLineStyle(QCPGraph::lsNone);
    lines_.push_back(line);
  }
  applyTheme();
}

void DifferencePlot::applyTheme() {
  const ThemeColors& colors = theme_colors(palette());
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const int look = curves_[i].look;
    if (lines_[i].ghost != nullptr) lines_[i].ghost->setPen(QPen(colors.ghost(look), 0));
    if (lines_[i].high != nullptr) {
      QColor shade = colors.run(look);
      shade.setAlphaF(0.16F);  // bands lie over each other
      lines_[i].high->setBrush(shade);
    }
    lines_[i].main->setPen(QPen(colors.run(look), 2));
    lines_[i].end->setScatterStyle(look_glyph(look, false, palette()));
  }
}

void DifferencePlot::thin() {
  const QCPRange range = plot_->xAxis->range();
  const auto pixels = static_cast<std::size_t>(std::max(1, plot_->axisRect()->width()));
  const std::size_t columns = pixels / (lines_.size() > kMostGhosts ? 8 : 2);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const Line& line = lines_[i];
    const DifferenceSeries& series = *curves_[i].series;
    if (line.ghost != nullptr)
      fill(line.ghost, series.raw.envelope(range.lower, range.upper, pixels));
    std::optional<engine::SeriesPoint> last;
    if (series.isGroup()) {
      fill(line.low, series.x, series.low);
      fill(line.high, series.x, series.high);
      fill(line.main, series.x, series.main);
    } else {
      fill(line.main, one_per_column(series.x, series.main, range.lower, range.upper, columns));
    }
    const auto& drawn = *line.main->data();
    if (!drawn.isEmpty()) {
      const QCPGraphData& end = *(drawn.constEnd() - 1);
      last = engine::SeriesPoint{end.key, end.value};
    }
    fill(line.end,
         last ? std::vector<engine::SeriesPoint>{*last} : std::vector<engine::SeriesPoint>{});
  }
}

void DifferencePlot::fitValues() {
  ValueRange all{0, 0};
  for (const DifferenceCurve& curve : curves_) {
    all.low = std::min(all.low, curve.series->range.low);
    all.high = std::max(all.high, curve.series->range.high);
  }
  // No difference at all comes padded by this.
  constexpr double kNothing = 1e-12;
  if (all.low >= -kNothing && all.high <= kNothing) all = {-1, 1};
  plot_->yAxis->setRange(all.low, all.high);
}

CursorReading DifferencePlot::readingAt(double x) const {
  CursorReading reading;
  reading.x = x;
  reading.place << plot_->xAxis->label() + QLatin1Char(' ') +
                       (whole_x_ ? grouped(static_cast<std::int64_t>(x))
                                 : QLocale().toString(x, 'g', 5));
  for (const DifferenceCurve& curve : curves_) {
    const DifferenceSeries& series = *curve.series;
    const auto after = std::upper_bound(series.at.begin(), series.at.end(), x) - series.at.begin();
    if (after == 0) continue;
    const auto i = static_cast<std::size_t>(after) - 1;
    CursorRow row;
    row.label = curve.label;
    row.color = theme_colors(palette()).run(curve.look);
    row.x = series.at[i];
    row.value = series.value[i];
    row.text = QString::fromStdString(engine::shown_delta(row.value));
    if (i < series.half.size())
      row.text += QStringLiteral(" ± ") + QString::fromStdString(engine::shown(series.half[i]));
    reading.rows.push_back(std::move(row));
  }
  return reading;
}

void DifferencePlot::setCursor(double x) {
  if (std::isfinite(x)) {
    cursor_->show(readingAt(x), nullptr);
  } else {
    cursor_->hide();
  }
}

QString DifferencePlot::cursorText() const { return cursor_->text(); }

/// Snaps to what was compared nearest to the pointer.
void DifferencePlot::moveCursor(const QPoint& position) {
  double nearest = kNone;
  if (plot_->axisRect()->rect().contains(position)) {
    const double x = plot_->xAxis->pixelToCoord(position.x());
    for (const DifferenceCurve& curve : curves_) {
      const auto& at = curve.series->at;
      if (at.empty()) continue;
      auto found = std::lower_bound(at.begin(), at.end(), x);
      if (found == at.end() || (found != at.begin() && x - *(found - 1) < *found - x)) --found;
      if (std::isnan(nearest) || std::abs(*found - x) < std::abs(nearest - x)) nearest = *found;
    }
  }
  if (std::isnan(nearest)) {
    if (!cursor_->isShown()) return;
    cursor_->hide();
  } else {
    const QPointF beside(plot_->xAxis->coordToPixel(nearest), position.y());
    cursor_->show(readingAt(nearest), &beside);
  }
  Q_EMIT cursorMoved(nearest);
}

bool DifferencePlot::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Leave) moveCursor(QPoint(-1, -1));
  return QWidget::eventFilter(watched, event);
}

void DifferencePlot::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  fit_ticks(plot_->yAxis, this);
  thin();
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void DifferencePlot::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange && event->type() != QEvent::FontChange) return;
  style_plot(plot_, this);
  applyTheme();
  marks_->place(curves_, palette());
  plot_->replot(QCustomPlot::rpQueuedReplot);
}

void DifferencePlot::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  plot_->setBufferDevicePixelRatio(devicePixelRatioF());
}

}  // namespace widgets
