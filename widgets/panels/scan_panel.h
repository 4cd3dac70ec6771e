// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/trial/transform_trial.h"
#include "widgets/models/layer_measure.h"

#include <QWidget>

#include <optional>

class QCheckBox;
class QDoubleSpinBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QSortFilterProxyModel;
class QTreeView;

namespace widgets {

class MeasureLegend;
class MessageBar;
class ScanModel;
class Selection;

/// "Sensitivity": which layers bear the transform. Shows what a scan measures while it runs,
/// sorted, and the configuration that it proposes. GUI thread.
class ScanPanel : public QWidget {
  Q_OBJECT

 public:
  explicit ScanPanel(Selection* selection, QWidget* parent = nullptr);

  enum class State { idle, running, pausing, paused };

  engine::ScanOptions options() const;
  void setBlocked(const QString& reason);
  void setState(State state);
  State state() const { return state_; }
  void showProgress(const QString& stage, double done, double total);
  /// Begins with an empty list.
  void clear();
  void take(const engine::ScanEntry& entry);
  void showResult(const engine::ScanResult& result);
  void setOutdated(bool outdated);
  /// Why the proposal cannot be applied to the text as it is; empty = it can.
  void setProposalBlocked(const QString& reason);

  const std::optional<engine::ScanResult>& result() const { return result_; }
  LayerMeasure measure() const;
  ScanModel* model() const { return model_; }
  MessageBar* messages() const { return messages_; }

 Q_SIGNALS:
  void runRequested();  ///< begin, or go on after a pause
  void pauseRequested();
  void applyRequested();  ///< the proposal
  void measureChanged();

 protected:
  void changeEvent(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;  ///< a narrow panel shows fewer columns

 private:
  void selectLayers();
  void presentResult();

  Selection* selection_;
  MessageBar* messages_;
  ScanModel* model_;
  QSortFilterProxyModel* sorted_;
  QPushButton* run_;
  QPushButton* pause_;
  QCheckBox* one_on_;
  QCheckBox* one_off_;
  QCheckBox* layers_;
  QCheckBox* kinds_;
  QDoubleSpinBox* budget_;
  QProgressBar* progress_;
  QLabel* facts_;
  QTreeView* list_;
  QLabel* proposal_;
  QPushButton* apply_;
  MeasureLegend* legend_;
  State state_ = State::idle;
  bool outdated_ = false;
  QString blocked_;
  QString proposal_blocked_;
  double started_done_ = 0;
  double started_at_ = 0;
  std::optional<engine::ScanResult> result_;
};

}  // namespace widgets
