// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"
#include "widgets/models/run_notes.h"

#include <QStringList>
#include <QWidget>

#include <vector>

class QLabel;
class QSplitter;
class QToolButton;

namespace widgets {

class CompareCurveTools;
class CurvePlot;
class DifferencePlot;
struct Curve;
struct DifferenceCurve;

/// The curves of the ticked runs in their main metric, below them other metrics and the differences
/// to the baseline, above them the verdicts and a button for the replicas that would decide them.
/// All charts share x and cursor.
class CompareCurves : public QWidget {
  Q_OBJECT

 public:
  explicit CompareCurves(RunNotesPtr notes, QWidget* parent = nullptr);

  void setView(ComparisonViewPtr view);  ///< null: nothing to show
  /// Somebody answers replicasRequested(): there is a button for it.
  void setCanQueue(bool can);
  CompareCurveTools* tools() const { return tools_; }
  CurvePlot* curves() const { return charts_.front().plot; }
  /// Of another metric, null when it has no chart.
  CurvePlot* curves(const QString& metric) const;
  DifferencePlot* differences() const { return differences_; }

 Q_SIGNALS:
  /// What trains each of the missing replicas.
  void replicasRequested(const std::vector<engine::ParamValues>& runs);

 private:
  struct Chart {
    QString metric;
    CurvePlot* plot = nullptr;
    QStringList drawn{};  ///< what tells the curves that are drawn from others
  };

  bool isGrouped() const;
  void addChart();
  void linkChart(CurvePlot* plot);
  void showCharts();
  void showChart(Chart& chart, const MetricCurves& curves);
  std::vector<Curve> curvesOf(const MetricCurves& metric) const;
  std::vector<DifferenceCurve> differencesShown() const;
  void showDrawing();
  void showVerdict();
  void showReplicas();
  void requestReplicas();

  QLabel* verdict_;
  QToolButton* replicas_;
  CompareCurveTools* tools_;
  QSplitter* splitter_;
  std::vector<Chart> charts_;  ///< the main metric's first; those that are not used are hidden
  DifferencePlot* differences_;
  ComparisonViewPtr view_;
  std::size_t divided_into_ = 0;  ///< charts that the room was divided among
  bool can_queue_ = false;
  bool is_linking_ = false;
};

}  // namespace widgets
