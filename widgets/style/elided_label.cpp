// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/elided_label.h"

#include <QPainter>

namespace widgets {

void ElidedLabel::setWholeOrNothing(bool whole) {
  if (is_whole_or_nothing_ == whole) return;
  is_whole_or_nothing_ = whole;
  update();
}

void ElidedLabel::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setPen(palette().color(foregroundRole()));
  const QRect room = contentsRect();
  if (is_whole_or_nothing_ && fontMetrics().horizontalAdvance(text()) > room.width()) return;
  painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter,
                   fontMetrics().elidedText(text(), Qt::ElideRight, room.width()));
}

}  // namespace widgets
