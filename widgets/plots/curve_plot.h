// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_series.h"
#include "widgets/plots/step_mark.h"
#include "widgets/plots/thinning.h"

#include <QElapsedTimer>
#include <QPoint>
#include <QSize>
#include <QString>
#include <QWidget>

#include <functional>
#include <memory>
#include <span>
#include <vector>

class QCPTextElement;
class QCustomPlot;
class QKeyEvent;

namespace widgets {

class CurveCursor;
class EdgeMarks;
class EventMarks;
struct CursorReading;

struct Curve {
  QString label;
  int color = 0;                              ///< look of the run (engine/figures/run_look.h)
  const engine::RunSeries* series = nullptr;  ///< owned elsewhere, alive until the next setCurves()
  bool sparse = false;                        ///< drawn as points, never smoothed (evaluations)
  bool baseline = false;                      ///< neutral and thicker than the others
  const engine::RunSeries* low = nullptr;   ///< with `high`: a band around the line, at its own x;
  const engine::RunSeries* high = nullptr;  ///< smoothed as the line is
  /// The same points by step where the axis is another: the half-life is in steps at any axis.
  const engine::RunSeries* by_step = nullptr;
  bool in_legend = true;
  bool exact = false;  ///< what is set, not measured (a learning rate): the values, never smoothed
  /// With its run's shape: at its end, at each point of a sparse one, and in the legend.
  bool marked = false;
  bool reference = false;  ///< the cursor tells the others' differences to it

  std::span<const double> smoothingX() const {
    return by_step != nullptr && by_step->size() == series->size() ? by_step->x() : series->x();
  }
};

/// Curves over steps: the raw values as an opaque ghost of minima and maxima, the smoothed line
/// above, non-finite values as triangles, values outside the view as triangles at its edge, events
/// along its foot. Follows a live run until the user pans or zooms. Thinned to the pixels; zooming
/// reads the raw data.
///
/// Keys: left, right one logged point (Shift: ten), comma and period one event, L logarithm, F
/// follow, R raw, B baseline, 0 all, Backspace the view before, Ctrl+C the cursor's values. A click
/// pins the cursor; the next one lets go.
class CurvePlot : public QWidget {
  Q_OBJECT

 public:
  explicit CurvePlot(QWidget* parent = nullptr);
  ~CurvePlot() override;

  /// Replaces what is shown and starts following again.
  void setCurves(std::vector<Curve> curves);
  /// New series (and bands) for the same curves, in their order: the view stays as the user left
  /// it, and what was smoothed is gone on with where a series continues the old one.
  void setSeries(const std::vector<Curve>& curves);
  void setMarks(std::vector<StepMark> marks);
  void setAxisTitle(const QString& title);
  /// Above the plot, at the right of the legend.
  void setTitle(const QString& title);
  /// What x is, "step" until then; `whole` when only whole numbers are positions.
  void setXAxis(const QString& title, bool whole);
  void setLogarithmicX(bool logarithmic);
  /// How values are written, at the axis and at the cursor.
  void setValueText(std::function<QString(double)> text);
  /// What the cursor's table is headed by, given x; the axis' own words without one.
  void setPlaceText(std::function<QString(double)> text);
  void setLegendShown(bool shown);
  /// Room for the axis at the left, so that plots above each other have their zero in line.
  void setLeftMargin(int pixels);
  /// Shows this stretch of x, as a linked plot does.
  void setXRange(double low, double high);
  /// The last step that the run will reach, 0 when unknown.
  void setExpectedEnd(double step);

  double halfLife() const { return half_life_; }
  void setHalfLife(double steps);
  bool showsRaw() const { return shows_raw_; }
  void setShowsRaw(bool shows);
  bool isLogarithmic() const { return logarithmic_; }
  void setLogarithmic(bool logarithmic);
  bool isFollowing() const { return following_; }
  void setFollowing(bool following);

  /// A crosshair without a table, as a linked plot's cursor has it; NaN takes it away.
  void setCursor(double x);
  double cursor() const;  ///< NaN = none
  QString cursorText() const;
  /// Moves the view there unless it is visible.
  void bringIntoView(double x);

  /// The same picture on white paper, to be exported; not shown. Its series are this plot's.
  std::unique_ptr<CurvePlot> printable(const QSize& size) const;

  /// The series have grown: draws at the next turn of the event loop, once, and not at all while
  /// hidden or while nothing could be seen of it.
  void refresh();

  /// For tests and the accessible description: points of the main line that are drawn.
  int drawnPoints() const;
  int nonFiniteMarks() const;
  int outsideMarks() const;
  QCustomPlot* plot() const { return plot_; }

 Q_SIGNALS:
  void followingChanged(bool following);
  void logarithmicChanged(bool logarithmic);
  void showsRawChanged(bool shows);
  void xRangeChanged(double low, double high);
  void cursorMoved(double x);  ///< NaN = it left
  void cursorPinned(double x);
  void baselineToggled();

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  struct Line;

  struct View {
    ValueRange x;
    ValueRange y;
    bool following = true;
  };

  void applyTheme();
  void setXTicker();
  void setYTicker();
  /// Draws anew whatever has changed of the series.
  void redraw();
  /// Whether there is anything new to see.
  bool draw();
  void updateSmoothed(Line& line);
  std::vector<engine::SeriesPoint> envelopeOf(Line& line, std::size_t columns) const;
  std::vector<engine::SeriesPoint> smoothOf(Line& line, std::size_t columns) const;
  bool drawBand(Line& line, std::size_t columns);
  bool drawBroken(Line& line);
  bool addToLegend(const Line& line);
  double legendRoom() const;
  void fitRanges();
  ValueRange rangeOf(Line& line) const;
  double smallestPositive() const;
  int notPositive() const;
  CursorReading readingAt(double x) const;
  double snapped(double x, double pixel_y) const;
  double neighbour(double x, int steps) const;
  void userMoved();
  void showAll();
  void showPreviousView();
  void moveCursor(const QPoint& position);
  void stepCursor(double x);
  void hideCursor();
  void togglePin();
  bool keyPressed(QKeyEvent* event);
  void describe();

  QCustomPlot* plot_;
  QCPTextElement* title_ = nullptr;
  EventMarks* events_ = nullptr;
  EdgeMarks* outside_ = nullptr;
  std::unique_ptr<CurveCursor> cursor_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::function<QString(double)> place_text_;
  std::function<QString(double)> value_text_;
  std::vector<View> views_;
  View view_;
  QElapsedTimer moved_;
  QPoint pressed_at_;
  double half_life_ = 20;
  double expected_end_ = 0;
  bool legend_shown_ = true;
  bool whole_x_ = true;
  bool shows_raw_ = true;
  bool logarithmic_ = false;
  bool logarithmic_x_ = false;
  bool following_ = true;
  bool restoring_ = false;
  bool setting_ranges_ = false;
  bool dirty_ = false;
  bool must_replot_ = true;  ///< more has changed than the series
  bool ranges_known_ = false;
  ValueRange y_range_;
  QElapsedTimer described_;
};

}  // namespace widgets
