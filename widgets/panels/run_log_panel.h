// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QWidget>

class QTreeView;

namespace widgets {

class EmptyState;
class RunLogModel;
class Selection;

/// The messages of the selected run, complete. Follows the end until the user scrolls up.
class RunLogPanel : public QWidget {
  Q_OBJECT

 public:
  RunLogPanel(Selection* selection, const RunStore* runs, QWidget* parent = nullptr);

  RunLogModel* model() const { return model_; }

 private:
  void refresh();

  Selection* selection_;
  const RunStore* runs_;
  RunLogModel* model_;
  QTreeView* list_;
  EmptyState* empty_;
};

}  // namespace widgets
