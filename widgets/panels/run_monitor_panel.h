// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QWidget>

namespace widgets {

class CurvePlot;
class EmptyState;
class MessageBar;
class RunControls;
class RunCurvesView;
class Selection;

/// The selected run, live or finished: its head with what can be asked of it, and its curves. What
/// the sentinel sees is told at the top.
class RunMonitorPanel : public QWidget {
  Q_OBJECT

 public:
  /// All outlive this.
  RunMonitorPanel(Selection* selection, const RunStore* runs, RunControls* controls,
                  QWidget* parent = nullptr);

  CurvePlot* plot() const;
  RunCurvesView* curves() const { return curves_; }
  MessageBar* messages() const { return messages_; }

 Q_SIGNALS:
  /// The layer that a divergence names, selected by now, is to be seen.
  void layerRequested(const QString& layer);

 private:
  void showRun();
  void refresh();
  void reportDivergence(const RunRecord& run);

  Selection* selection_;
  const RunStore* runs_;
  MessageBar* messages_;
  RunCurvesView* curves_;
  EmptyState* empty_;
  QString reported_failure_;
  std::size_t reported_lines_ = 0;  ///< of the log, whose divergences were told
};

}  // namespace widgets
