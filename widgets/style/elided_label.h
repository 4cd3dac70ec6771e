// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLabel>

namespace widgets {

/// One line of text that ends in an ellipsis where there is no room for it. text() is the whole.
class ElidedLabel : public QLabel {
  Q_OBJECT

 public:
  using QLabel::QLabel;

  /// For a hint, which says nothing in part: without room for all of it nothing is drawn.
  void setWholeOrNothing(bool whole);

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  bool is_whole_or_nothing_ = false;
};

}  // namespace widgets
