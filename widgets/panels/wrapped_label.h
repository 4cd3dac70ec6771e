// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/style/metrics.h"

#include <QLabel>

namespace widgets {

/// Words that are wrapped to the width they are given and can be selected. A plain QLabel of that
/// kind lays its text out a dozen times when it changes: this one once, because only the width says
/// how tall it is.
class WrappedLabel : public QLabel {
 public:
  explicit WrappedLabel(QWidget* parent = nullptr) : QLabel(parent) {
    setWordWrap(true);
    setTextInteractionFlags(Qt::TextSelectableByMouse);
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
  }

  QSize minimumSizeHint() const override { return {characters(this, 20), lines(this, 1)}; }
  QSize sizeHint() const override { return {characters(this, 60), lines(this, 1)}; }
  int heightForWidth(int width) const override {
    if (width == known_width_ && text() == known_text_) return known_height_;
    known_width_ = width;
    known_text_ = text();
    return known_height_ = QLabel::heightForWidth(width);
  }

 protected:
  void changeEvent(QEvent* event) override {
    known_width_ = -1;  // the font, or the style
    QLabel::changeEvent(event);
  }

 private:
  mutable int known_width_ = -1;
  mutable int known_height_ = 0;
  mutable QString known_text_;
};

}  // namespace widgets
