// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/difference_series.h"

#include <QString>
#include <QWidget>

#include <memory>
#include <vector>

class QCustomPlot;
class QCPGraph;

namespace widgets {

class CurveCursor;
class DifferenceMarks;
struct CursorReading;

/// The difference of one run, or of one group of replicas, to the baseline.
struct DifferenceCurve {
  QString label;
  int look = 0;
  const DifferenceSeries* series = nullptr;  ///< owned elsewhere, alive until other ones are set
};

/// Differences to the baseline over the same x as the curves above: raw as a thin line, the mean of
/// neighbours thick with the run's glyph at its end, the noise band shaded, a dotted line where it
/// is left, and hatched stretches where no curve can be compared. A group of replicas has the
/// interval of each step as its band. Thinned to the pixels of the stretch in view.
class DifferencePlot : public QWidget {
  Q_OBJECT

 public:
  explicit DifferencePlot(QWidget* parent = nullptr);
  ~DifferencePlot() override;

  void setDifferences(std::vector<DifferenceCurve> curves);
  /// `whole` when only whole numbers are positions, as for CurvePlot.
  void setTitles(const QString& x, const QString& y, bool whole);
  void setLogarithmicX(bool logarithmic);
  /// Shows this stretch of x, as the plot above does.
  void setXRange(double low, double high);
  void setLeftMargin(int pixels);
  /// A crosshair without a table, as a linked plot's cursor has it; NaN takes it away.
  void setCursor(double x);
  QString cursorText() const;
  QCustomPlot* plot() const { return plot_; }

 Q_SIGNALS:
  void xRangeChanged(double low, double high);  ///< by the user
  void cursorMoved(double x);                   ///< by the pointer; NaN = it left

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  /// The graphs of one curve.
  struct Line {
    QCPGraph* ghost = nullptr;  ///< null when many are shown
    QCPGraph* low = nullptr;    ///< null but for groups
    QCPGraph* high = nullptr;
    QCPGraph* main = nullptr;
    QCPGraph* end = nullptr;
  };

  bool isDrawnAlike(const std::vector<DifferenceCurve>& curves) const;
  void makeLines();
  void applyTheme();
  void thin();
  void fitValues();
  void moveCursor(const QPoint& position);
  CursorReading readingAt(double x) const;

  QCustomPlot* plot_;
  std::unique_ptr<CurveCursor> cursor_;
  std::unique_ptr<DifferenceMarks> marks_;
  std::vector<DifferenceCurve> curves_;
  std::vector<Line> lines_;
  bool whole_x_ = true;
  bool is_setting_range_ = false;
};

}  // namespace widgets
