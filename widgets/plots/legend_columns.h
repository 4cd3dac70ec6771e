// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/custom_plot.h"

#include <QFontMetricsF>

#include <algorithm>

namespace widgets {

/// Puts the legend's items in as many columns as have room for the longest name, and hides it where
/// they would take more than `most_rows` rows: some list beside the plot then has to do. Whether
/// anything has changed.
inline bool fit_legend(QCPLegend* legend, double room, int most_rows) {
  const int count = legend->itemCount();
  if (count == 0) return false;
  const QFontMetricsF metrics(legend->font());
  double widest = 0;
  for (int i = 0; i < count; ++i) {
    if (auto* item = qobject_cast<QCPPlottableLegendItem*>(legend->item(i)))
      widest = std::max(widest, metrics.horizontalAdvance(item->plottable()->name()));
  }
  const QMargins margins = legend->item(0)->margins();
  widest += legend->iconSize().width() + legend->iconTextPadding() + legend->columnSpacing() +
            margins.left() + margins.right();
  const int columns = std::clamp(static_cast<int>(room / widest), 1, count);
  const bool is_shown = (count + columns - 1) / columns <= most_rows;
  if (legend->visible() == is_shown && legend->wrap() == columns) return false;
  legend->setVisible(is_shown);
  legend->setWrap(columns);
  legend->setFillOrder(legend->fillOrder(), true);
  return true;
}

}  // namespace widgets
