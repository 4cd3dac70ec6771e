// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/rule_chip_delegate.h"

#include "widgets/models/layer_tree_model.h"
#include "widgets/style/theme.h"

#include <QPainter>

#include <algorithm>

namespace widgets {

void RuleChipDelegate::paintText(QPainter* painter, const QStyleOptionViewItem& option,
                                 const QModelIndex& index, const QString& text) const {
  const auto chip =
      static_cast<LayerTreeModel::Chip>(index.data(LayerTreeModel::kChipRole).toInt());
  if (chip == LayerTreeModel::Chip::none) return;

  const bool is_selected = option.state.testFlag(QStyle::State_Selected);
  const QPalette& shades = option.palette;
  const QColor back = shades.color(is_selected ? QPalette::Highlight : QPalette::Base);
  const QColor ink = shades.color(is_selected ? QPalette::HighlightedText : QPalette::Text);
  const QColor accent = shades.color(QPalette::Highlight);
  QColor fill = Qt::transparent;
  QColor border = Qt::transparent;
  QColor letters = ink;
  Qt::PenStyle line = Qt::SolidLine;
  switch (chip) {
    case LayerTreeModel::Chip::rule:
      fill = is_selected ? ink : accent;
      letters = is_selected ? accent : shades.color(QPalette::HighlightedText);
      break;
    case LayerTreeModel::Chip::fallback:
      fill = is_selected ? QColor(Qt::transparent) : blend(accent, back, 0.16);
      border = is_selected ? ink : accent;
      break;
    case LayerTreeModel::Chip::left_alone:
    case LayerTreeModel::Chip::not_handled:
      border = blend(ink, back, 0.45);
      letters = is_selected ? ink : blend(ink, back, 0.72);
      break;
    case LayerTreeModel::Chip::unmatched:
      border = is_selected ? ink : theme_colors(shades).error;
      letters = border;
      break;
    case LayerTreeModel::Chip::mixed:
      border = blend(ink, back, 0.35);
      letters = is_selected ? ink : blend(ink, back, 0.72);
      line = Qt::DashLine;
      break;
    case LayerTreeModel::Chip::none:
      return;
  }
  const QFontMetricsF metrics(option.font);
  const double pad = metrics.height() * 0.45;
  const double height = metrics.height() * 1.15;
  const double width = std::clamp(metrics.horizontalAdvance(text) + 2 * pad, height * 1.5,
                                  std::max(height * 1.5, option.rect.width() - pad));
  QRectF box(option.rect.left() + pad * 0.5, 0, width, height);
  box.moveCenter(QPointF(box.center().x(), option.rect.center().y() + 0.5));
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(border == QColor(Qt::transparent) ? QPen(Qt::NoPen) : QPen(border, 1, line));
  painter->setBrush(fill);
  painter->drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), height / 2, height / 2);
  painter->setPen(letters);
  painter->setFont(option.font);
  painter->drawText(box, Qt::AlignCenter,
                    metrics.elidedText(text, Qt::ElideRight, box.width() - pad));
  painter->restore();
}

int RuleChipDelegate::extraWidth(const QStyleOptionViewItem& option) const {
  return option.fontMetrics.height() * 2;
}

}  // namespace widgets
