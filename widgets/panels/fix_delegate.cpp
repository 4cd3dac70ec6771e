// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/fix_delegate.h"

#include "widgets/style/symbol_icon.h"

#include <QApplication>
#include <QPainter>
#include <QStyle>
#include <QStyleOptionButton>

#include <algorithm>

namespace widgets {

void FixDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                        const QModelIndex& index) const {
  QStyleOptionViewItem frame = option;
  initStyleOption(&frame, index);
  const QString text = std::exchange(frame.text, QString());
  const QStyle* style = frame.widget != nullptr ? frame.widget->style() : QApplication::style();
  style->drawControl(QStyle::CE_ItemViewItem, &frame, painter, frame.widget);
  if (text.isEmpty()) return;
  const int height = option.fontMetrics.height();
  const int icon = height * 4 / 5;
  const int room = option.rect.width() - height / 2;
  const int wanted = option.fontMetrics.horizontalAdvance(text) + icon + height * 3 / 2;
  QStyleOptionButton button;
  button.initFrom(frame.widget);
  button.palette = option.palette;
  button.rect = QRect(option.rect.left(), option.rect.top() + 1, std::min(wanted, room),
                      option.rect.height() - 2);
  button.state = QStyle::State_Enabled | QStyle::State_Raised;
  if (option.state.testFlag(QStyle::State_MouseOver)) button.state |= QStyle::State_MouseOver;
  button.icon = symbol_icon(QStringLiteral("fix"));
  button.iconSize = QSize(icon, icon);
  button.text =
      option.fontMetrics.elidedText(text, Qt::ElideRight, button.rect.width() - icon - height);
  style->drawControl(QStyle::CE_PushButton, &button, painter, frame.widget);
}

}  // namespace widgets
