// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QPointF>
#include <QString>
#include <QStringList>

#include <limits>
#include <vector>

class QCustomPlot;
class QWidget;

namespace widgets {

/// One curve's value at the cursor: at its own last point there, never a later one.
struct CursorRow {
  QString label;
  QColor color;
  double x = 0;
  double value = std::numeric_limits<double>::quiet_NaN();
  double smoothed = std::numeric_limits<double>::quiet_NaN();  ///< NaN = not smoothed
  bool is_baseline = false;
  QString text{};  ///< the value in words, empty = as a plain number
};

struct CursorReading {
  double x = std::numeric_limits<double>::quiet_NaN();
  QStringList place;  ///< lines that head the table: step, tokens, time; marks nearby
  std::vector<CursorRow> rows;
};

/// The crosshair of a plot and its one table of values, on a layer of their own, so that moving it
/// draws nothing else. A pinned position stays, and the table then tells the differences to it.
class CurveCursor {
 public:
  /// `layer`: name of a buffered layer.
  CurveCursor(QCustomPlot* plot, const QWidget* owner, const QString& layer);

  /// `beside`: where the pointer is; without one only the crosshair is drawn.
  void show(const CursorReading& reading, const QPointF* beside);
  void hide();
  bool isShown() const;
  double x() const { return reading_.x; }

  void pin();  ///< what is shown
  void unpin();
  bool isPinned() const { return pinned_.x == pinned_.x; }

  /// Header and rows as the table shows them, sorted by value, cells separated by tabs.
  QString text() const;
  void applyTheme();

 private:
  class Picture;
  std::vector<QStringList> table() const;
  void replot();

  QCustomPlot* plot_;
  const QWidget* owner_;
  QString layer_;
  Picture* picture_;  ///< owned by the plot
  CursorReading reading_;
  CursorReading pinned_;
};

}  // namespace widgets
