// SPDX-License-Identifier: GPL-3.0-or-later
// How lists and trees look alike in all panels.
#pragma once

#include "widgets/style/metrics.h"

#include <QHeaderView>
#include <QStyledItemDelegate>
#include <QTreeView>

#include <algorithm>
#include <map>

namespace widgets {

/// Rows with room to breathe; text elided where the column says so.
class RowDelegate : public QStyledItemDelegate {
 public:
  explicit RowDelegate(QObject* parent, Qt::TextElideMode elide = Qt::ElideRight)
      : QStyledItemDelegate(parent), elide_(elide) {}

  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    QSize size = QStyledItemDelegate::sizeHint(option, index);
    size.setHeight(std::max(size.height(), option.fontMetrics.height() * 145 / 100));
    return size;
  }

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
    QStyledItemDelegate::initStyleOption(option, index);
    option->textElideMode = elide_;
  }

 private:
  Qt::TextElideMode elide_;
};

/// Uniform rows, no grid, whole rows selected, keyboard search; headers aligned with their columns.
inline void set_up_list(QTreeView* view, bool tree = false) {
  view->setItemDelegate(new RowDelegate(view));
  view->setRootIsDecorated(tree);
  view->setUniformRowHeights(true);
  view->setAlternatingRowColors(!tree);
  view->setAllColumnsShowFocus(true);
  view->setSelectionBehavior(QAbstractItemView::SelectRows);
  view->setEditTriggers(QAbstractItemView::NoEditTriggers);
  view->setFrameShape(QFrame::NoFrame);
  view->setTextElideMode(Qt::ElideRight);
  view->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  view->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  view->header()->setHighlightSections(false);
  view->header()->setMinimumSectionSize(view->fontMetrics().averageCharWidth() * 4);
  view->header()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
}

/// `wide` takes the room that the others, sized in characters, leave.
inline void set_column_widths(QTreeView* view, int wide, const std::map<int, int>& others) {
  auto* header = view->header();
  header->setStretchLastSection(false);
  header->setSectionResizeMode(wide, QHeaderView::Stretch);
  for (const auto& [column, count] : others) {
    header->setSectionResizeMode(column, QHeaderView::Interactive);
    header->resizeSection(column, characters(view, count));
  }
}

}  // namespace widgets
