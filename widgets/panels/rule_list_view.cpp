// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/rule_list_view.h"

#include "widgets/models/transform_rules_model.h"

#include <QDragEnterEvent>
#include <QMimeData>

namespace widgets {

RuleListView::RuleListView(QWidget* parent) : QTreeView(parent) {
  setDragDropMode(DragDrop);
  setDefaultDropAction(Qt::MoveAction);
  setDropIndicatorShown(true);
  setDragDropOverwriteMode(false);
}

int RuleListView::gapAt(const QPoint& position) const {
  const QModelIndex index = indexAt(position);
  if (!index.isValid()) return model()->rowCount();
  return index.row() + (position.y() > visualRect(index).center().y() ? 1 : 0);
}

void RuleListView::dragEnterEvent(QDragEnterEvent* event) {
  auto* rules = static_cast<TransformRulesModel*>(model());
  rules->setTakesDropsOnRows(event->mimeData()->hasFormat(TransformRulesModel::kLayersMime));
  QTreeView::dragEnterEvent(event);
}

void RuleListView::dragMoveEvent(QDragMoveEvent* event) {
  QTreeView::dragMoveEvent(event);
  if (event->isAccepted() && event->mimeData()->hasFormat(TransformRulesModel::kRulesMime)) {
    Q_EMIT ruleHovered(event->mimeData()->data(TransformRulesModel::kRulesMime).toInt(),
                       gapAt(event->position().toPoint()));
  } else {
    Q_EMIT hoverEnded();
  }
}

void RuleListView::dragLeaveEvent(QDragLeaveEvent* event) {
  Q_EMIT hoverEnded();
  QTreeView::dragLeaveEvent(event);
}

void RuleListView::dropEvent(QDropEvent* event) {
  Q_EMIT hoverEnded();
  QTreeView::dropEvent(event);
}

}  // namespace widgets
