// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/painted_text_delegate.h"

#include <QApplication>
#include <QStyle>

#include <algorithm>

namespace widgets {

void PaintedTextDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                                const QModelIndex& index) const {
  QStyleOptionViewItem frame = option;
  initStyleOption(&frame, index);
  const QString text = frame.text;
  frame.text.clear();
  const QStyle* style = frame.widget != nullptr ? frame.widget->style() : QApplication::style();
  style->drawControl(QStyle::CE_ItemViewItem, &frame, painter, frame.widget);
  if (!text.isEmpty()) paintText(painter, option, index, text);
}

QSize PaintedTextDelegate::sizeHint(const QStyleOptionViewItem& option,
                                    const QModelIndex& index) const {
  QSize size = QStyledItemDelegate::sizeHint(option, index);
  size.setHeight(std::max(size.height(), static_cast<int>(option.fontMetrics.height() * 1.45)));
  size.rwidth() += extraWidth(option);
  return size;
}

}  // namespace widgets
