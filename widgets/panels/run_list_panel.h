// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QWidget>

class QTreeView;

namespace widgets {

class EmptyState;
class RunListModel;
class Selection;

/// The known runs with their true states; selecting one shows it everywhere.
class RunListPanel : public QWidget {
  Q_OBJECT

 public:
  RunListPanel(Selection* selection, RunStore* runs, QWidget* parent = nullptr);

  QTreeView* list() const { return list_; }
  RunListModel* model() const { return model_; }

 Q_SIGNALS:
  void launchRequested();
  void openRequested();

 private:
  void showSelection();

  Selection* selection_;
  RunListModel* model_;
  QTreeView* list_;
  EmptyState* empty_;
};

}  // namespace widgets
