// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/difference_marks.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/plots/difference_plot.h"
#include "widgets/style/theme.h"

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

/// Of what none of the differences covers: the part of their gaps that all have.
std::vector<engine::DifferenceGap> common_gaps(const std::vector<DifferenceCurve>& curves) {
  std::vector<engine::DifferenceGap> common;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const auto& gaps = curves[i].series->gaps;
    if (i == 0) {
      common = gaps;
      continue;
    }
    std::vector<engine::DifferenceGap> both;
    for (const auto& one : common) {
      for (const auto& other : gaps) {
        const double from = std::max(one.from, other.from);
        const double to = std::min(one.to, other.to);
        if (from <= to) both.push_back({from, to, one.reason});
      }
    }
    common = std::move(both);
  }
  return common;
}

}  // namespace

template <typename Item>
Item* DifferenceMarks::add(const char* layer) {
  auto* item = new Item(plot_);
  item->setLayer(QLatin1String(layer));
  items_.push_back(item);
  return item;
}

void DifferenceMarks::place(const std::vector<DifferenceCurve>& curves, const QPalette& palette) {
  for (QCPAbstractItem* item : std::exchange(items_, {})) plot_->removeItem(item);
  addBand(curves, palette);
  addGaps(curves, palette);
  const ThemeColors& colors = theme_colors(palette);
  auto* zero = add<QCPItemStraightLine>("grid");
  zero->setPen(QPen(colors.baseline, 1));
  zero->point1->setCoords(0, 0);
  zero->point2->setCoords(1, 0);
  for (const DifferenceCurve& curve : curves) {
    if (!curve.series->leaves_at) continue;
    auto* mark = add<QCPItemStraightLine>("main");
    mark->setPen(QPen(colors.run(curve.look), 0, Qt::DotLine));
    mark->point1->setCoords(*curve.series->leaves_at, 0);
    mark->point2->setCoords(*curve.series->leaves_at, 1);
  }
}

/// One for all: the widest, so that no curve seems further out than it is.
void DifferenceMarks::addBand(const std::vector<DifferenceCurve>& curves, const QPalette& palette) {
  double widest = 0;
  for (const DifferenceCurve& curve : curves) {
    if (std::isfinite(curve.series->band)) widest = std::max(widest, curve.series->band);
  }
  if (widest == 0) return;
  auto* band = add<QCPItemRect>("grid");
  band->topLeft->setTypeX(QCPItemPosition::ptAxisRectRatio);
  band->bottomRight->setTypeX(QCPItemPosition::ptAxisRectRatio);
  band->topLeft->setCoords(0, widest);
  band->bottomRight->setCoords(1, -widest);
  band->setPen(Qt::NoPen);
  const ThemeColors& colors = theme_colors(palette);
  band->setBrush(blend(colors.axis_text, colors.plot_background, 0.10));
}

void DifferenceMarks::addGaps(const std::vector<DifferenceCurve>& curves, const QPalette& palette) {
  const ThemeColors& colors = theme_colors(palette);
  for (const engine::DifferenceGap& gap : common_gaps(curves)) {
    auto* area = add<QCPItemRect>("grid");
    area->topLeft->setTypeY(QCPItemPosition::ptAxisRectRatio);
    area->bottomRight->setTypeY(QCPItemPosition::ptAxisRectRatio);
    area->topLeft->setCoords(gap.from, 0);
    area->bottomRight->setCoords(gap.to, 1);
    const QColor ink = gap.reason == engine::GapReason::not_finite
                           ? colors.error
                           : blend(colors.axis_text, colors.plot_background, 0.35);
    area->setPen(gap.from == gap.to ? QPen(ink, 0) : QPen(Qt::NoPen));
    area->setBrush(QBrush(ink, Qt::BDiagPattern));
  }
}

}  // namespace widgets
