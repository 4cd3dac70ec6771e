// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"

#include <QWidget>

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

 Q_SIGNALS:
  void openRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;  ///< a narrow panel shows fewer columns

 private:
  void takeSelection();
  void showSelection();
  void updateSummary();

  Selection* selection_;
  LayerTreeModel* model_;
  QSortFilterProxyModel* proxy_;
  MessageBar* messages_;
  QLineEdit* filter_;
  QTreeView* tree_;
  QLabel* summary_;
  EmptyState* empty_;
  bool following_ = false;
};

}  // namespace widgets
