// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/outlined_style.h"

#include "widgets/style/theme.h"

#include <QPainter>
#include <QStyleFactory>
#include <QStyleOption>

namespace widgets {
namespace {

void outline(QPainter* painter, const QStyleOption* option, const QRect& rect) {
  const QPalette& colors = option->palette;
  if (!is_dark(colors)) return;
  const bool is_enabled = option->state.testFlag(QStyle::State_Enabled);
  const bool has_focus = is_enabled && option->state.testFlag(QStyle::State_HasFocus);
  const QColor line = has_focus ? colors.color(QPalette::Highlight)
                                : blend(colors.color(QPalette::Active, QPalette::WindowText),
                                        colors.color(QPalette::Window), is_enabled ? 0.45 : 0.18);
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(QPen(line, 1));
  painter->setBrush(Qt::NoBrush);
  painter->drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 2, 2);
  painter->restore();
}

}  // namespace

OutlinedStyle::OutlinedStyle() : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion"))) {}

void OutlinedStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option,
                                  QPainter* painter, const QWidget* widget) const {
  QProxyStyle::drawPrimitive(element, option, painter, widget);
  if (element == PE_IndicatorCheckBox || element == PE_FrameLineEdit) {
    outline(painter, option, option->rect);
  }
}

void OutlinedStyle::drawComplexControl(ComplexControl control, const QStyleOptionComplex* option,
                                       QPainter* painter, const QWidget* widget) const {
  QProxyStyle::drawComplexControl(control, option, painter, widget);
  if (control == CC_SpinBox || control == CC_ComboBox) outline(painter, option, option->rect);
}

}  // namespace widgets
