// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QToolButton;
class QTreeView;

namespace widgets {

class EmptyState;
class RunLogFilter;
class RunLogModel;
class Selection;

/// The messages and events of the selected run, complete: filtered by level, kind and words, the
/// chosen line in full below. Follows the end until the user scrolls up. A double click, or Enter,
/// goes to the line's step everywhere.
class RunLogPanel : public QWidget {
  Q_OBJECT

 public:
  RunLogPanel(Selection* selection, const RunStore* runs, QWidget* parent = nullptr);

  RunLogModel* model() const { return model_; }
  RunLogFilter* shown() const { return filter_; }
  bool isFollowing() const;

 protected:
  void showEvent(QShowEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void refresh();
  void setFollowing(bool follows);
  void showChosen();
  void goToChosen();
  void copyChosen();
  void countShown();

  Selection* selection_;
  const RunStore* runs_;
  RunLogModel* model_;
  RunLogFilter* filter_;
  QComboBox* kind_;
  QLineEdit* search_;
  QLabel* count_;
  QToolButton* follow_;
  QTreeView* list_;
  QPlainTextEdit* full_;
  EmptyState* empty_;
  bool scrolling_ = false;  ///< by the panel itself
};

}  // namespace widgets
