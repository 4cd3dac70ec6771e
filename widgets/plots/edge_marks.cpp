// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/edge_marks.h"

#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QWidget>

#include <limits>
#include <utility>

namespace widgets {
namespace {

constexpr double kApart = 9;  // pixels between triangles of one edge

}  // namespace

EdgeMarks::EdgeMarks(QCustomPlot* plot, const QWidget* owner)
    : QCPAbstractItem(plot), owner_(owner) {
  setSelectable(false);
  setAntialiased(true);
}

bool EdgeMarks::setValues(std::vector<OutsideValue> values) {
  if (values == values_) return false;
  values_ = std::move(values);
  return true;
}

void EdgeMarks::draw(QCPPainter* painter) {
  const QRectF rect = parentPlot()->axisRect()->rect();
  const auto* x_axis = parentPlot()->xAxis;
  const auto range = parentPlot()->yAxis->range();
  for (const bool above : {true, false}) {
    const OutsideValue* farthest = nullptr;
    double last = -std::numeric_limits<double>::infinity();
    for (const auto& value : values_) {
      if (above ? value.y <= range.upper : value.y >= range.lower) continue;
      if (farthest == nullptr || (above ? value.y > farthest->y : value.y < farthest->y)) {
        farthest = &value;
      }
      const double pixel = x_axis->coordToPixel(value.x);
      if (pixel < rect.left() || pixel > rect.right() || pixel - last < kApart) continue;
      last = pixel;
      const double tip = above ? rect.top() + 1 : rect.bottom() - 1;
      const double foot = above ? tip + 6 : tip - 6;
      painter->setPen(Qt::NoPen);
      painter->setBrush(value.color);
      painter->drawPolygon(QPolygonF({{pixel - 4, foot}, {pixel + 4, foot}, {pixel, tip}}));
    }
    if (farthest == nullptr) continue;
    const QString text = statistic_text(farthest->y);
    painter->setFont(owner_->font());
    const QFontMetricsF metrics(owner_->font());
    const double pixel = x_axis->coordToPixel(farthest->x);
    if (pixel < rect.left() || pixel > rect.right()) continue;
    double left = pixel + 7;
    if (left + metrics.horizontalAdvance(text) > rect.right()) {
      left = pixel - 7 - metrics.horizontalAdvance(text);
    }
    painter->setPen(theme_colors(owner_->palette()).axis_text);
    painter->drawText(QPointF(left, above ? rect.top() + metrics.ascent()
                                          : rect.bottom() - metrics.descent() - 10),
                      text);
  }
}

}  // namespace widgets
