// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/panels/item_views.h"

namespace widgets {

/// Draws the text of a cell as a button, nothing where there is none. A click on it is told by the
/// view's clicked().
class FixDelegate : public RowDelegate {
  Q_OBJECT

 public:
  using RowDelegate::RowDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override;
};

}  // namespace widgets
