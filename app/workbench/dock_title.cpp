// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/dock_title.h"

#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QDockWidget>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QToolButton>

namespace app {

DockTitle::DockTitle(QDockWidget* dock) : QWidget(dock) {
  auto* row = new QHBoxLayout(this);
  const int pad = widgets::lines(this, 0.15);
  row->setContentsMargins(widgets::lines(this, 0.45), pad, pad, pad);
  row->setSpacing(0);
  auto* title = new QLabel(dock->windowTitle(), this);
  QFont bold = font();
  bold.setBold(true);
  title->setFont(bold);
  row->addWidget(title, 1);
  const int size = widgets::lines(this, 0.85);
  const auto add = [&](const QString& icon, const QString& tip) {
    auto* button = new QToolButton(this);
    button->setIcon(widgets::symbol_icon(icon));
    button->setIconSize(QSize(size, size));
    button->setAutoRaise(true);
    button->setFocusPolicy(Qt::NoFocus);
    button->setToolTip(tip);
    button->setAccessibleName(tip);
    row->addWidget(button);
    return button;
  };
  connect(add(QStringLiteral("float"), tr("Float or dock the panel %1").arg(dock->windowTitle())),
          &QToolButton::clicked, dock, [dock] { dock->setFloating(!dock->isFloating()); });
  connect(add(QStringLiteral("close"), tr("Close the panel %1").arg(dock->windowTitle())),
          &QToolButton::clicked, dock, &QDockWidget::close);
  connect(dock, &QWidget::windowTitleChanged, title, &QLabel::setText);
}

void DockTitle::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setPen(QPen(widgets::theme_colors(palette()).separator, 0));
  painter.drawLine(0, height() - 1, width(), height() - 1);
}

}  // namespace app
