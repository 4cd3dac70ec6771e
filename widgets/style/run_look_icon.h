// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QIcon>
#include <QPainterPath>
#include <QPalette>

namespace widgets {

/// A run's shape (engine/figures/glyph.h) around (0, 0), reaching `radius` to all sides.
QPainterPath glyph_path(int shape, double radius);

/// What stands before a run's name in a list: its shape in its colour, as charts have it at the end
/// of its curve; the baseline's is a neutral square.
QIcon run_look_icon(int look, bool is_baseline, const QPalette& palette);

}  // namespace widgets
