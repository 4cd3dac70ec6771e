// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStyledItemDelegate>

namespace widgets {

/// An item whose background, selection and focus the style draws, and whose text the class below
/// draws in its own way.
class PaintedTextDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const final;
  /// Room for a frame around the text, and `extraWidth` beside it.
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const final;

 protected:
  /// `text` is not empty.
  virtual void paintText(QPainter* painter, const QStyleOptionViewItem& option,
                         const QModelIndex& index, const QString& text) const = 0;
  virtual int extraWidth(const QStyleOptionViewItem& option) const = 0;
};

}  // namespace widgets
