// SPDX-License-Identifier: GPL-3.0-or-later
// Sizes in units of the font, so that layouts follow the user's font and the screen's scale.
#pragma once

#include <QFontMetricsF>
#include <QWidget>

#include <cmath>

namespace widgets {

/// `count` times the height of a line of the widget's font.
inline int lines(const QWidget* widget, double count) {
  return static_cast<int>(std::lround(QFontMetricsF(widget->font()).height() * count));
}

/// `count` times the average width of a character of the widget's font.
inline int characters(const QWidget* widget, double count) {
  return static_cast<int>(std::lround(QFontMetricsF(widget->font()).averageCharWidth() * count));
}

}  // namespace widgets
