// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/measure_delegate.h"

#include "widgets/models/layer_tree_model.h"
#include "widgets/style/metrics.h"
#include "widgets/style/theme.h"

#include <QPainter>

#include <algorithm>
#include <array>
#include <cmath>

namespace widgets {
namespace {

constexpr double kGaugeWidth = 2.2;   // in lines of text
constexpr double kGaugeHeight = 0.6;  // in lines of text

/// cividis: readable with every kind of colour vision, and in grey.
constexpr std::array<QRgb, 9> kStops = {0xFF00224E, 0xFF1A386F, 0xFF434E6C, 0xFF61656F, 0xFF7D7C78,
                                        0xFF9B9476, 0xFFBCAE6C, 0xFFDEC958, 0xFFFEE838};

/// The worse, the further from the background.
QColor severity_color(double severity, const QPalette& palette) {
  const double at = (is_dark(palette) ? severity : 1 - severity) * (kStops.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(at), kStops.size() - 2);
  return blend(QColor(kStops[low + 1]), QColor(kStops[low]), at - static_cast<double>(low));
}

QSizeF gauge_size(const QFontMetricsF& metrics) {
  return {metrics.height() * kGaugeWidth, metrics.height() * kGaugeHeight};
}

}  // namespace

void paint_gauge(QPainter* painter, const QRectF& box, const QPalette& palette,
                 std::optional<double> severity, bool is_distinct) {
  const QColor frame = blend(palette.color(QPalette::Text), palette.color(QPalette::Base), 0.45);
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing, false);
  const QRectF outline = box.adjusted(0, 0, -1, -1);
  if (!severity) {
    painter->setPen(QPen(frame, 1, Qt::DotLine));
    painter->setBrush(QBrush(frame, Qt::BDiagPattern));
    painter->drawRect(outline);
    painter->restore();
    return;
  }
  QRectF filled = outline;
  filled.setWidth(std::max(2.0, outline.width() * *severity));
  painter->setPen(Qt::NoPen);
  painter->setBrush(is_distinct ? QBrush(severity_color(*severity, palette))
                                : QBrush(frame, Qt::Dense5Pattern));
  painter->drawRect(filled);
  painter->setPen(QPen(frame, 1));
  painter->setBrush(Qt::NoBrush);
  painter->drawRect(outline);
  painter->restore();
}

void MeasureDelegate::paintText(QPainter* painter, const QStyleOptionViewItem& option,
                                const QModelIndex& index, const QString& text) const {
  const QVariant severity = index.data(LayerTreeModel::kSeverityRole);
  const bool is_distinct = index.data(LayerTreeModel::kIsDistinctRole).toBool();
  const bool is_selected = option.state.testFlag(QStyle::State_Selected);
  QPalette colors = option.palette;
  if (is_selected) {
    colors.setColor(QPalette::Base, colors.color(QPalette::Highlight));
    colors.setColor(QPalette::Text, colors.color(QPalette::HighlightedText));
  }
  const QFontMetricsF metrics(option.font);
  const double pad = metrics.height() * 0.3;
  const QSizeF size = gauge_size(metrics);
  QRectF gauge(option.rect.left() + pad, 0, size.width(), size.height());
  gauge.moveTop(std::round(option.rect.center().y() - size.height() / 2) + 1);
  paint_gauge(painter, gauge, colors,
              severity.isValid() ? std::optional(severity.toDouble()) : std::nullopt, is_distinct);
  painter->save();
  const QColor ink = colors.color(QPalette::Text);
  painter->setPen(is_distinct || is_selected ? ink : muted_text(option.palette));
  painter->setFont(option.font);
  const QRectF room(gauge.right() + pad, option.rect.top(),
                    option.rect.right() - gauge.right() - 2 * pad, option.rect.height());
  painter->drawText(room, Qt::AlignRight | Qt::AlignVCenter,
                    metrics.elidedText(text, Qt::ElideRight, room.width()));
  painter->restore();
}

int MeasureDelegate::extraWidth(const QStyleOptionViewItem& option) const {
  return static_cast<int>(gauge_size(QFontMetricsF(option.font)).width());
}

MeasureLegend::MeasureLegend(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void MeasureLegend::setScale(const QString& good, const QString& bad) {
  good_ = good;
  bad_ = bad;
  setAccessibleName(
      tr("Scale of the tree's gauges: %1 is empty, %2 is full, hatched is not measured")
          .arg(good, bad));
  updateGeometry();
  update();
}

QSize MeasureLegend::sizeHint() const { return {characters(this, 46), lines(this, 1.3)}; }

QSize MeasureLegend::minimumSizeHint() const { return {characters(this, 20), lines(this, 1.3)}; }

void MeasureLegend::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const QFontMetricsF metrics(font());
  const QSizeF size = gauge_size(metrics);
  const double gap = metrics.height() * 0.3;
  double x = 0;
  const auto words = [&](const QString& text) {
    painter.setPen(muted_text(palette()));
    painter.drawText(QRectF(x, 0, width() - x, height()), Qt::AlignVCenter, text);
    x += metrics.horizontalAdvance(text) + gap;
  };
  const auto gauge = [&](std::optional<double> severity, bool is_distinct) {
    paint_gauge(&painter, QRectF(QPointF(x, std::round((height() - size.height()) / 2)), size),
                palette(), severity, is_distinct);
    x += size.width() + gap;
  };
  words(good_);
  for (const double severity : {0.0, 0.5, 1.0}) gauge(severity, true);
  words(bad_);
  x += gap;
  gauge(std::nullopt, true);
  words(tr("not measured"));
}

}  // namespace widgets
