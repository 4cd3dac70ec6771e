// SPDX-License-Identifier: GPL-3.0-or-later
// The row of choices and buttons that stands above a view.
#pragma once

#include <QHBoxLayout>
#include <QString>

class QComboBox;
class QToolButton;

namespace widgets {

/// An empty row with the margins that all such rows have.
QHBoxLayout* make_tool_row(const QWidget* owner);

QComboBox* make_choice(const QString& name, const QString& accessible, const QString& tip);

/// Flat, with its text, and in front of it an icon unless `icon` is empty.
QToolButton* make_tool(const QString& text, const QString& icon, const QString& name,
                       const QString& tip);

}  // namespace widgets
