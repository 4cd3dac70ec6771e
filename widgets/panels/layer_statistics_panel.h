// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QWidget>

class QComboBox;
class QSortFilterProxyModel;
class QStackedWidget;
class QToolButton;
class QTreeView;

namespace widgets {

class ElidedLabel;
class EmptyState;
class LayerStatisticsModel;
class LayerStepPlot;
class Selection;

/// What the layers of the selected run measured: one statistic over all steps as a map in the order
/// of the tree, or what they all measured last as a table, to be sorted by any of it. A click
/// selects the layer everywhere, and what is selected elsewhere is marked here.
class LayerStatisticsPanel : public QWidget {
  Q_OBJECT

 public:
  LayerStatisticsPanel(Selection* selection, const RunStore* runs, QWidget* parent = nullptr);

  LayerStatisticsModel* model() const { return model_; }
  LayerStepPlot* map() const { return map_; }
  void showMap();
  void showTable();

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void refresh();
  void refreshMap(const RunRecord& run);
  void showCaption();
  void selectLayers();
  void showSelectedLayers();

  Selection* selection_;
  const RunStore* runs_;
  LayerStatisticsModel* model_;
  QSortFilterProxyModel* sorted_;
  QTreeView* list_;
  ElidedLabel* caption_;
  QToolButton* show_map_;
  QToolButton* show_table_;
  QComboBox* statistic_;
  QToolButton* lock_;
  QStackedWidget* pages_;
  LayerStepPlot* map_;
  QString pointed_;     ///< what lies under the pointer, in words
  QString mapped_run_;  ///< the order of whose layers is known
  QStringList order_;
  EmptyState* empty_;
  bool follows_ = false;  // the list's selection is being set from outside
};

}  // namespace widgets
