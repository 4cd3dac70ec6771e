// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/tool_row.h"

#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"

#include <QComboBox>
#include <QToolButton>

namespace widgets {

QHBoxLayout* make_tool_row(const QWidget* owner) {
  auto* row = new QHBoxLayout;
  row->setContentsMargins(lines(owner, 0.5), lines(owner, 0.3), lines(owner, 0.4),
                          lines(owner, 0.3));
  row->setSpacing(lines(owner, 0.4));
  return row;
}

QComboBox* make_choice(const QString& name, const QString& accessible, const QString& tip) {
  auto* box = new QComboBox;
  box->setObjectName(name);
  box->setAccessibleName(accessible);
  box->setToolTip(tip);
  return box;
}

QToolButton* make_tool(const QString& text, const QString& icon, const QString& name,
                       const QString& tip) {
  auto* tool = new QToolButton;
  tool->setText(text);
  if (!icon.isEmpty()) {
    tool->setIcon(symbol_icon(icon));
    tool->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  }
  tool->setAutoRaise(true);
  tool->setObjectName(name);
  tool->setToolTip(tip);
  tool->setAccessibleName(tip);
  return tool;
}

}  // namespace widgets
