// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/curve_difference.h"
#include "engine/compare/group_divergence.h"
#include "engine/runs/run_series.h"

#include <QString>
#include <QWidget>

#include <vector>

class QCustomPlot;
class QCPGraph;
class QCPItemStraightLine;
class QCPItemRect;

namespace widgets {

/// One run's difference to the baseline.
struct DifferenceCurve {
  QString label;
  int color = 0;
  engine::CurveDifference difference;
  /// Of a group of replicas instead: the difference of the means with the interval of each step.
  engine::GroupDelta group{};
};

/// Differences to the baseline over the same x as the curves above: raw as a thin line, the mean of
/// neighbours thick, the noise band shaded, a dotted line where it is left, and hatched stretches
/// where there is nothing to compare. A group of replicas has the interval of each step as its
/// band. Thinned to the pixels of the stretch in view.
class DifferencePlot : public QWidget {
  Q_OBJECT

 public:
  explicit DifferencePlot(QWidget* parent = nullptr);

  void setDifferences(std::vector<DifferenceCurve> curves);
  void setTitles(const QString& x, const QString& y);
  /// Shows this stretch of x, as the plot above does.
  void setXRange(double low, double high);
  void setLeftMargin(int pixels);
  QCustomPlot* plot() const { return plot_; }

 Q_SIGNALS:
  void xRangeChanged(double low, double high);  ///< by the user

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  /// One run's curve at full rate, and the graphs that show what is in view.
  struct Line {
    engine::RunSeries raw;
    std::vector<double> x, smoothed;
    QCPGraph* ghost = nullptr;  ///< null when many are shown
    QCPGraph* main = nullptr;
  };

  void rebuild();
  void thin();
  void addRun(const DifferenceCurve& curve);
  void addGroup(const DifferenceCurve& curve);
  void markLeaving(double x, int color);
  void addBand(const engine::CurveDifference& difference);
  void addGap(const engine::DifferenceGap& gap);
  void fitValues();

  QCustomPlot* plot_;
  std::vector<DifferenceCurve> curves_;
  std::vector<Line> lines_;
  bool is_setting_range_ = false;
};

}  // namespace widgets
