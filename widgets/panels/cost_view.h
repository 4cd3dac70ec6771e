// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/runs/run_event.h"
#include "widgets/models/launch_request.h"

#include <QWidget>

#include <optional>

class QDoubleSpinBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QTreeWidget;

namespace widgets {

/// What a run would cost, each number with where it comes from, within the memory that it may use;
/// and for a run that was estimated before, predicted and actual side by side.
class CostView : public QWidget {
  Q_OBJECT

 public:
  explicit CostView(QWidget* parent = nullptr);

  /// Why nothing can be estimated now; empty = it can.
  void setBlocked(const QString& reason);
  void showProgress(const QString& stage, double share);  ///< share below 0 = not known
  /// `place`: whose memory was measured, this process's with all that it holds, or one's of its
  /// own.
  void showEstimate(const engine::CostEstimate& estimate,
                    LaunchPlace place = LaunchPlace::in_window);
  void showProblem(const engine::Problem& problem);  ///< the estimate failed
  /// The settings are no longer those that were estimated.
  void setStale(bool stale);
  /// Back to nothing estimated, as after a cancel; an estimate that was there stays.
  void stopProgress();
  /// What the run `name` was predicted to cost, and did as far as it is known.
  void showOutcome(const QString& name, const engine::CostCompared& cost);

  bool isRunning() const { return running_; }
  /// Bytes that the run may use, as the user set it; 0 = what is free on the device.
  std::int64_t memoryLimit() const;
  const std::optional<engine::CostEstimate>& estimate() const { return estimate_; }

 Q_SIGNALS:
  void estimateRequested();
  void fitRequested();  ///< with a micro-batch that fits into that memory
  void estimateShown();
  void cancelRequested();

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void refresh();
  QString statusText() const;
  void setStatus(const QString& text);
  void fillEstimate();
  void fillOutcome();
  void addRow(const QStringList& cells, bool child = false);

  QPushButton* button_;
  QPushButton* fit_;
  QLabel* limit_label_;
  QDoubleSpinBox* limit_;
  QLabel* status_;
  QProgressBar* bar_;
  QTreeWidget* table_;
  std::optional<engine::CostEstimate> estimate_;
  LaunchPlace place_ = LaunchPlace::in_window;
  std::optional<engine::CostCompared> outcome_;
  QString outcome_name_;
  QString blocked_;
  QString problem_;
  bool running_ = false;
  bool stale_ = false;
};

}  // namespace widgets
