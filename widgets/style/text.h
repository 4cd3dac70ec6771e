// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <string>

namespace widgets {

/// UTF-8 of the engine as text of the screen.
inline QString qt(const std::string& text) { return QString::fromStdString(text); }

}  // namespace widgets
