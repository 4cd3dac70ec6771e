// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/launch_request.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QPushButton;
class QTableView;

namespace widgets {

class EmptyState;
class MessageBar;
class Selection;
class StudyModel;

/// A study.yaml as a grid of runs with their states. A click shows the run; one button queues what
/// is missing.
class StudyPanel : public QWidget {
  Q_OBJECT

 public:
  explicit StudyPanel(Selection* selection, QWidget* parent = nullptr);

  StudyModel* model() const { return model_; }
  QTableView* grid() const { return grid_; }
  MessageBar* messages() const { return messages_; }
  LaunchPlace place() const;  ///< where its runs are to train
  /// After the model has changed.
  void refresh();

 Q_SIGNALS:
  void openRequested();
  void runMissingRequested(widgets::LaunchPlace place);
  void runChosen(const QString& folder);  ///< one that exists

 private:
  void choose(const QModelIndex& index);

  Selection* selection_;
  StudyModel* model_;
  QTableView* grid_;
  MessageBar* messages_;
  QLabel* summary_;
  QComboBox* place_;
  QPushButton* run_;
  EmptyState* empty_;
};

}  // namespace widgets
