// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_control.h"
#include "widgets/models/run_store.h"

#include <QTimer>
#include <QWidget>

class QLabel;
class QPushButton;

namespace widgets {

class CurvePlot;
class EmptyState;
class MessageBar;
class RunCurvesView;
class Selection;

/// The selected run, live or finished: state, progress, its curves, and the requests one may make
/// of it. What the sentinel sees is told at the top.
class RunMonitorPanel : public QWidget {
  Q_OBJECT

 public:
  RunMonitorPanel(Selection* selection, const RunStore* runs, QWidget* parent = nullptr);

  CurvePlot* plot() const;
  RunCurvesView* curves() const { return curves_; }
  MessageBar* messages() const { return messages_; }
  QPushButton* stopButton() const { return stop_; }
  /// Why no run can be resumed now; empty = one can.
  void setResumeBlocked(const QString& reason);

 Q_SIGNALS:
  /// A request of the shown run. Confirmed when its folder says so.
  void requested(const QString& folder, engine::RunRequest request);
  /// To go on with an ended run behind its last checkpoint.
  void resumeRequested(const QString& folder);
  /// The layer that a divergence names, selected by now, is to be seen.
  void layerRequested(const QString& layer);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void showRun();
  void refresh();
  void refreshHeader();
  void reportDivergence(const RunRecord& run);

  Selection* selection_;
  const RunStore* runs_;
  MessageBar* messages_;
  QLabel* name_;
  QLabel* state_;
  QLabel* facts_;
  QPushButton* checkpoint_;
  QPushButton* stop_;
  QPushButton* resume_;
  RunCurvesView* curves_;
  EmptyState* empty_;
  QTimer clock_;
  QString reported_failure_;
  QString resume_blocked_;
  std::size_t reported_lines_ = 0;  ///< of the log, whose divergences were told
};

}  // namespace widgets
