// SPDX-License-Identifier: GPL-3.0-or-later
// What a CurvePlot's cursor reads, and how pointer and keys move it.
#include "widgets/plots/curve_cursor.h"
#include "widgets/plots/curve_plot_line.h"
#include "widgets/plots/event_marks.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QEvent>
#include <QKeyEvent>
#include <QLocale>

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

}  // namespace

CursorReading CurvePlot::readingAt(double x) const {
  CursorReading reading;
  reading.x = x;
  const auto& colors = theme_colors(palette());
  const QString place =
      whole_x_ ? grouped(static_cast<std::int64_t>(x)) : QLocale().toString(x, 'g', 5);
  reading.place << (place_text_ ? place_text_(x)
                                : plot_->xAxis->label() + QLatin1Char(' ') + place);
  for (const auto* mark : events_->near(plot_->xAxis->coordToPixel(x))) {
    if (reading.place.size() > 4) break;
    reading.place << mark->text;
  }
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr || line->curve.series->size() == 0) continue;
    const auto xs = line->curve.series->x();
    const auto after = std::upper_bound(xs.begin(), xs.end(), x) - xs.begin();
    if (after == 0) continue;
    const auto i = static_cast<std::size_t>(after) - 1;
    CursorRow row;
    row.label = line->curve.label;
    row.color = line->curve.baseline ? colors.baseline : colors.run(line->curve.color);
    row.x = xs[i];
    row.value = line->curve.series->y()[i];
    const bool is_smoothed = !line->curve.sparse && !line->curve.exact;
    if (is_smoothed && i < line->smooth.size()) row.smoothed = line->smooth[i];
    if (value_text_) row.text = value_text_(row.value);
    row.is_baseline = line->curve.baseline || line->curve.reference;
    reading.rows.push_back(std::move(row));
  }
  return reading;
}

double CurvePlot::snapped(double x, double pixel_y) const {
  const Line* nearest = nullptr;
  double distance = kInf;
  double best = std::numeric_limits<double>::quiet_NaN();
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr || line->curve.series->size() == 0) continue;
    const auto xs = line->curve.series->x();
    auto index = static_cast<std::size_t>(std::lower_bound(xs.begin(), xs.end(), x) - xs.begin());
    if (index == xs.size()) --index;
    if (index > 0 && x - xs[index - 1] < xs[index] - x) --index;
    const bool is_smooth = !line->curve.sparse && index < line->smooth.size();
    const double y = is_smooth ? line->smooth[index] : line->curve.series->y()[index];
    // A sparse curve takes the cursor only when the pointer is on one of its points.
    const double away =
        std::abs(plot_->yAxis->coordToPixel(y) - pixel_y) +
        (line->curve.sparse
             ? std::abs(plot_->xAxis->coordToPixel(xs[index]) - plot_->xAxis->coordToPixel(x)) * 4 +
                   6
             : 0);
    if (nearest != nullptr && !(away < distance)) continue;
    nearest = line.get();
    distance = std::isnan(away) ? kInf : away;
    best = xs[index];
  }
  return best;
}

double CurvePlot::neighbour(double x, int steps) const {
  const engine::RunSeries* series = nullptr;
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr || line->curve.series->size() == 0) continue;
    if (series == nullptr || !line->curve.sparse) series = line->curve.series;
    if (!line->curve.sparse) break;
  }
  if (series == nullptr) return std::numeric_limits<double>::quiet_NaN();
  const auto xs = series->x();
  const auto last = static_cast<std::ptrdiff_t>(xs.size()) - 1;
  if (!std::isfinite(x)) return xs[static_cast<std::size_t>(last)];
  const auto at = std::upper_bound(xs.begin(), xs.end(), x) - xs.begin() - 1;
  return xs[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at + steps, 0, last))];
}

void CurvePlot::setCursor(double x) {
  if (std::isfinite(x)) {
    cursor_->show(readingAt(x), nullptr);
  } else {
    cursor_->hide();
  }
}

double CurvePlot::cursor() const { return cursor_->x(); }

QString CurvePlot::cursorText() const { return cursor_->text(); }

void CurvePlot::moveCursor(const QPoint& position) {
  const auto* rect = plot_->axisRect();
  if (lines_.empty() || !rect->rect().contains(position)) {
    hideCursor();
    return;
  }
  const double x = snapped(plot_->xAxis->pixelToCoord(position.x()), position.y());
  if (!std::isfinite(x)) {
    hideCursor();
    return;
  }
  const QPointF beside(plot_->xAxis->coordToPixel(x), position.y());
  cursor_->show(readingAt(x), &beside);
  Q_EMIT cursorMoved(x);
}

void CurvePlot::stepCursor(double x) {
  if (!std::isfinite(x)) return;
  bringIntoView(x);
  const QPointF beside(plot_->xAxis->coordToPixel(x), plot_->axisRect()->rect().center().y());
  cursor_->show(readingAt(x), &beside);
  Q_EMIT cursorMoved(x);
}

void CurvePlot::hideCursor() {
  if (!cursor_->isShown()) return;
  cursor_->hide();
  Q_EMIT cursorMoved(std::numeric_limits<double>::quiet_NaN());
}

void CurvePlot::togglePin() {
  if (cursor_->isPinned()) {
    cursor_->unpin();
  } else if (cursor_->isShown()) {
    cursor_->pin();
    Q_EMIT cursorPinned(cursor_->x());
  }
}

bool CurvePlot::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Leave) hideCursor();
  if (event->type() != QEvent::KeyPress) return QWidget::eventFilter(watched, event);
  return keyPressed(static_cast<QKeyEvent*>(event)) || QWidget::eventFilter(watched, event);
}

bool CurvePlot::keyPressed(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    if (cursor_->isShown()) QApplication::clipboard()->setText(cursor_->text());
    return true;
  }
  const int stride = event->modifiers().testFlag(Qt::ShiftModifier) ? 10 : 1;
  switch (event->key()) {
    case Qt::Key_L:
      setLogarithmic(!logarithmic_);
      return true;
    case Qt::Key_F:
      setFollowing(!following_);
      return true;
    case Qt::Key_R:
      setShowsRaw(!shows_raw_);
      return true;
    case Qt::Key_B:
      Q_EMIT baselineToggled();
      return true;
    case Qt::Key_0:
      showAll();
      return true;
    case Qt::Key_Backspace:
      showPreviousView();
      return true;
    case Qt::Key_Left:
      stepCursor(neighbour(cursor_->x(), -stride));
      return true;
    case Qt::Key_Right:
      stepCursor(neighbour(cursor_->x(), stride));
      return true;
    case Qt::Key_Comma:
    case Qt::Key_Period: {
      const bool forward = event->key() == Qt::Key_Period;
      const double from = std::isfinite(cursor_->x()) ? cursor_->x()
                          : forward                   ? plot_->xAxis->range().lower
                                                      : plot_->xAxis->range().upper;
      if (const auto* mark = events_->next(from, forward)) stepCursor(mark->step);
      return true;
    }
    case Qt::Key_Escape:
      if (!cursor_->isPinned()) return false;
      cursor_->unpin();
      return true;
    default:
      return false;
  }
}

}  // namespace widgets
