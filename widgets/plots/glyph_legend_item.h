// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/custom_plot.h"

namespace widgets {

/// A line in the legend with the glyph that ends it in the plot.
class GlyphLegendItem : public QCPPlottableLegendItem {
 public:
  /// `end`: the graph that draws the glyph; both belong to the plot.
  GlyphLegendItem(QCPLegend* legend, QCPGraph* line, const QCPGraph* end)
      : QCPPlottableLegendItem(legend, line), end_(end) {}

 protected:
  void draw(QCPPainter* painter) override {
    QCPPlottableLegendItem::draw(painter);
    const QCPScatterStyle& glyph = end_->scatterStyle();
    const QSize icon = mParentLegend->iconSize();
    painter->save();
    painter->setAntialiasing(true);
    glyph.applyTo(painter, QPen(Qt::NoPen));
    glyph.drawShape(painter,
                    QPointF(mRect.x() + icon.width() / 2.0, mRect.y() + icon.height() / 2.0));
    painter->restore();
  }

 private:
  const QCPGraph* end_;
};

}  // namespace widgets
