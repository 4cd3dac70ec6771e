// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/layer_measure.h"
#include "widgets/models/plan_view.h"

#include <QList>
#include <QPoint>
#include <QWidget>

#include <utility>

class QLabel;
class QLineEdit;
class QSortFilterProxyModel;
class QTreeView;

namespace widgets {

class EmptyState;
class LayerTreeModel;
class MessageBar;
class Selection;

/// The layer tree with the winner of each layer, and a filter.
class LayerAssignmentPanel : public QWidget {
  Q_OBJECT

 public:
  explicit LayerAssignmentPanel(Selection* selection, QWidget* parent = nullptr);

  void setView(PlanViewPtr view);
  void setLoading(const QString& folder);  ///< empty = done
  MessageBar* messages() const { return messages_; }
  QTreeView* tree() const { return tree_; }
  LayerTreeModel* model() const { return model_; }
  void focusFilter();
  /// Paints a number on every layer; an empty one takes the column away.
  void setMeasure(LayerMeasure measure);

 Q_SIGNALS:
  void openRequested();
  void makeRuleRequested();  ///< of the selected layers

 protected:
  void resizeEvent(QResizeEvent* event) override;  ///< a narrow panel shows fewer columns

 private:
  void makeActions();
  void addSiblings();
  void rememberOpenRows();
  void openRows();
  void showFiltered(const QString& text);
  void takeSelection();
  void showSelection();
  void updateSummary();
  void showColumns();

  Selection* selection_;
  LayerTreeModel* model_;
  QSortFilterProxyModel* proxy_;
  MessageBar* messages_;
  QLineEdit* filter_;
  QTreeView* tree_;
  QLabel* summary_;
  QLabel* found_;
  EmptyState* empty_;
  /// Rows that were expanded before the tree was built anew: path below the block, and blocks.
  QList<std::pair<QString, QPoint>> open_rows_;
  bool was_reset_ = false;
  bool following_ = false;
};

}  // namespace widgets
