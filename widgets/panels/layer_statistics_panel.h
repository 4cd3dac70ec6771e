// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QWidget>

class QLabel;
class QSortFilterProxyModel;
class QTreeView;

namespace widgets {

class EmptyState;
class LayerStatisticsModel;
class Selection;

/// What the layers of the selected run measured last, to be sorted by any of it. A click selects
/// the layer everywhere.
class LayerStatisticsPanel : public QWidget {
  Q_OBJECT

 public:
  LayerStatisticsPanel(Selection* selection, const RunStore* runs, QWidget* parent = nullptr);

  LayerStatisticsModel* model() const { return model_; }

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void refresh();
  void selectLayers();
  void showSelectedLayers();

  Selection* selection_;
  const RunStore* runs_;
  LayerStatisticsModel* model_;
  QSortFilterProxyModel* sorted_;
  QTreeView* list_;
  QLabel* caption_;
  EmptyState* empty_;
  bool follows_ = false;  // the list's selection is being set from outside
};

}  // namespace widgets
