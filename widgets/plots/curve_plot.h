// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_series.h"
#include "widgets/plots/thinning.h"

#include <QElapsedTimer>
#include <QString>
#include <QWidget>

#include <memory>
#include <vector>

class QCustomPlot;
class QCPGraph;
class QCPItemStraightLine;
class QCPItemText;

namespace widgets {

struct Curve {
  QString label;
  int color = 0;                              ///< index into the theme's run colours
  const engine::RunSeries* series = nullptr;  ///< owned elsewhere, alive until the next setCurves()
  bool sparse = false;                        ///< drawn as points, never smoothed (evaluations)
  bool baseline = false;                      ///< neutral and thicker than the others
  int glyph = -1;                             ///< shape at the end of the line, -1 = none
  const engine::RunSeries* low = nullptr;   ///< with `high`: a band around the line, at its own x;
  const engine::RunSeries* high = nullptr;  ///< smoothed as the line is
};

struct StepMark {
  double step = 0;
  QString text;
};

/// Curves over steps: the raw values as an opaque ghost of minima and maxima, the smoothed line
/// above, non-finite values as triangles. Follows a live run until the user pans or zooms. Thinned
/// to the pixels; zooming reads the raw data.
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
  /// What x is, "step" until then; `whole` when only whole numbers are positions.
  void setXAxis(const QString& title, bool whole);
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

  /// The series have grown: draws at the next turn of the event loop, once, and not at all while
  /// hidden.
  void refresh();

  /// For tests and the accessible description: points of the main line that are drawn.
  int drawnPoints() const;
  int nonFiniteMarks() const;
  QCustomPlot* plot() const { return plot_; }

 Q_SIGNALS:
  void followingChanged(bool following);
  void logarithmicChanged(bool logarithmic);
  void showsRawChanged(bool shows);
  void xRangeChanged(double low, double high);

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  struct Line;

  void applyTheme();
  void draw();
  void updateSmoothed(Line& line);
  void drawBand(Line& line, std::size_t columns);
  void fitRanges();
  void userMoved();
  void showAll();
  void moveCursor(const QPoint& position);
  void hideCursor();
  void describe();

  QCustomPlot* plot_;
  QCPItemStraightLine* cursor_line_;
  QCPItemText* cursor_text_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::vector<StepMark> marks_;
  std::vector<QCPItemStraightLine*> mark_lines_;
  double half_life_ = 20;
  double expected_end_ = 0;
  bool whole_x_ = true;
  bool shows_raw_ = true;
  bool logarithmic_ = false;
  bool following_ = true;
  bool setting_ranges_ = false;
  bool dirty_ = false;
  bool ranges_known_ = false;
  ValueRange y_range_;
  QElapsedTimer described_;
};

}  // namespace widgets
