// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QWidget>

class QTreeView;

namespace widgets {

class EmptyState;
class MessageBar;
class RunControls;
class RunListModel;
class Selection;

/// The known runs with their true states; selecting one shows it everywhere. Its context menu asks
/// things of the run under the pointer.
class RunListPanel : public QWidget {
  Q_OBJECT

 public:
  RunListPanel(Selection* selection, RunStore* runs, RunControls* controls,
               QWidget* parent = nullptr);

  QTreeView* list() const { return list_; }
  RunListModel* model() const { return model_; }
  MessageBar* messages() const { return messages_; }

 Q_SIGNALS:
  void launchRequested();
  void openRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void showSelection();
  void showMenu(const QPoint& at);

  Selection* selection_;
  RunControls* controls_;
  MessageBar* messages_;
  RunListModel* model_;
  QTreeView* list_;
  EmptyState* empty_;
};

}  // namespace widgets
