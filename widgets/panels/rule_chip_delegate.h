// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/panels/painted_text_delegate.h"

namespace widgets {

/// Draws who wins a layer as a chip: filled for a rule, outlined for the default, hollow for
/// "leave", in the error colour for an unmatched layer. Form and text carry the meaning, colour
/// only repeats it.
class RuleChipDelegate : public PaintedTextDelegate {
  Q_OBJECT

 public:
  using PaintedTextDelegate::PaintedTextDelegate;

 protected:
  void paintText(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index,
                 const QString& text) const override;
  int extraWidth(const QStyleOptionViewItem& option) const override;
};

}  // namespace widgets
