// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/histogram_data.h"
#include "widgets/models/plan_view.h"
#include "widgets/models/run_store.h"

#include <QWidget>

class QButtonGroup;
class QComboBox;
class QToolButton;

namespace widgets {

class ElidedLabel;
class EmptyState;
class HistogramPlot;
class Selection;

/// The transform histogram: as planned by the open file, with outlines of the saved file or of the
/// selected run's, or as applied by the selected run, next to what was planned.
class HistogramPanel : public QWidget {
  Q_OBJECT

 public:
  HistogramPanel(Selection* selection, const RunStore* runs, QWidget* parent = nullptr);

  void setView(PlanViewPtr view);
  /// What is saved, drawn as outlines behind what is edited from the next view on; null = nothing.
  void setSavedView(PlanViewPtr saved);
  void showPlanned();
  void showApplied();
  bool showsApplied() const { return applied_; }
  HistogramPlot* plot() const { return plot_; }
  QString noteText() const;

 Q_SIGNALS:
  void ruleActivated(int rule);

 private:
  void refresh();
  void listStatistics(const RunRecord* run);
  QString statistic() const;
  void addGhosts(HistogramData& shown) const;

  Selection* selection_;
  const RunStore* runs_;
  PlanViewPtr view_;
  PlanViewPtr saved_;
  HistogramData saved_bars_;
  bool applied_ = false;
  QToolButton* planned_button_;
  QToolButton* applied_button_;
  QComboBox* ghost_;
  QComboBox* weight_;
  ElidedLabel* note_;
  HistogramPlot* plot_;
  EmptyState* empty_;
};

}  // namespace widgets
