// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QIcon>
#include <QString>

namespace widgets {

enum class SymbolColor { text, error, warning, good };

/// An icon of resources/icons, drawn in the colour of the text it stands beside or of a state:
/// sharp at every scale, and it follows the theme at run time. `name` without folder and suffix.
QIcon symbol_icon(const QString& name, SymbolColor color = SymbolColor::text);

}  // namespace widgets
