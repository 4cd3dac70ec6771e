// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_control.h"
#include "widgets/models/run_store.h"

#include <QTimer>
#include <QWidget>

class QComboBox;
class QLabel;
class QPushButton;
class QSpinBox;
class QToolButton;

namespace widgets {

class CurvePlot;
class EmptyState;
class MessageBar;
class Selection;

/// The selected run, live or finished: state, progress, its curve, and the requests one may make of
/// it.
class RunMonitorPanel : public QWidget {
  Q_OBJECT

 public:
  RunMonitorPanel(Selection* selection, const RunStore* runs, QWidget* parent = nullptr);

  CurvePlot* plot() const { return plot_; }
  MessageBar* messages() const { return messages_; }
  QPushButton* stopButton() const { return stop_; }
  /// Why no run can be resumed now; empty = one can.
  void setResumeBlocked(const QString& reason);

 Q_SIGNALS:
  /// A request of the shown run. Confirmed when its folder says so.
  void requested(const QString& folder, engine::RunRequest request);
  /// To go on with an ended run behind its last checkpoint.
  void resumeRequested(const QString& folder);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void showRun();
  void refresh();
  void refreshHeader();
  void showMetric();

  Selection* selection_;
  const RunStore* runs_;
  MessageBar* messages_;
  QLabel* name_;
  QLabel* state_;
  QLabel* facts_;
  QComboBox* metric_;
  QSpinBox* half_life_;
  QToolButton* raw_;
  QToolButton* logarithmic_;
  QToolButton* follow_;
  QPushButton* checkpoint_;
  QPushButton* stop_;
  QPushButton* resume_;
  CurvePlot* plot_;
  EmptyState* empty_;
  QTimer clock_;
  QString reported_failure_;
  QString resume_blocked_;
  bool half_life_chosen_ = false;
};

}  // namespace widgets
