// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"

#include <QStringList>
#include <QWidget>

#include <vector>

class QLabel;
class QToolButton;

namespace widgets {

class CurvePlot;
class DifferencePlot;
struct Curve;
struct DifferenceCurve;

/// The curves of the ticked runs, below them their differences to the baseline, above them the
/// verdicts, and a button for the replicas that would decide them. The two plots share x.
class CompareCurves : public QWidget {
  Q_OBJECT

 public:
  explicit CompareCurves(QWidget* parent = nullptr);

  void setView(ComparisonViewPtr view);  ///< null: nothing to show
  /// Runs that differ only in seeds as one mean each.
  void setShowsMeans(bool shows);
  /// Somebody answers replicasRequested(): there is a button for it.
  void setCanQueue(bool can);
  CurvePlot* curves() const { return curves_; }
  DifferencePlot* differences() const { return differences_; }

 Q_SIGNALS:
  /// What trains each of the missing replicas.
  void replicasRequested(const std::vector<engine::ParamValues>& runs);

 private:
  bool isGrouped() const;
  std::vector<Curve> curvesShown() const;
  std::vector<DifferenceCurve> differencesShown() const;
  void setTitles(const std::vector<Curve>& curves);
  void showCurves();
  void showVerdict();
  void showReplicas();
  void requestReplicas();

  QLabel* verdict_;
  QToolButton* replicas_;
  CurvePlot* curves_;
  DifferencePlot* differences_;
  ComparisonViewPtr view_;
  QStringList drawn_;  ///< what tells the curves that are drawn from others
  bool shows_means_ = true;
  bool can_queue_ = false;
};

}  // namespace widgets
