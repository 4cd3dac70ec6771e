// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/panels/painted_text_delegate.h"

#include <QWidget>

#include <optional>

namespace widgets {

/// A short bar for a severity from 0 (good, empty) to 1 (bad, full): length and colour say the
/// same. Hatched where it is not known; hollow where it is not distinct.
void paint_gauge(QPainter* painter, const QRectF& box, const QPalette& palette,
                 std::optional<double> severity, bool is_distinct);

/// Draws the measure of a layer as a gauge with its number beside it.
class MeasureDelegate : public PaintedTextDelegate {
  Q_OBJECT

 public:
  using PaintedTextDelegate::PaintedTextDelegate;

 protected:
  void paintText(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index,
                 const QString& text) const override;
  int extraWidth(const QStyleOptionViewItem& option) const override;
};

/// What the gauges mean: the ends of the scale, and what is not known.
class MeasureLegend : public QWidget {
  Q_OBJECT

 public:
  explicit MeasureLegend(QWidget* parent = nullptr);

  void setScale(const QString& good, const QString& bad);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QString good_;
  QString bad_;
};

}  // namespace widgets
