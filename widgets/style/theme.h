// SPDX-License-Identifier: GPL-3.0-or-later
// Light and dark: one palette each for the widgets, one list of colours each for plots and states.
#pragma once

#include <QColor>
#include <QPalette>
#include <QString>

#include <array>
#include <optional>

class QApplication;

namespace widgets {

enum class Theme { system, light, dark };

std::optional<Theme> theme_from(const QString& name);  ///< "system", "light", "dark"

/// Fusion style with our palette; `system` takes the dark one when the platform's own palette is
/// dark.
void apply_theme(QApplication& application, Theme theme);

/// The light theme's, whatever is shown: for what is printed.
QPalette light_palette();

/// True when the window colour is darker than the text on it (Qt 6.4 has no colour scheme to ask
/// for).
bool is_dark(const QPalette& palette);

inline constexpr int kRunColors = 7;

/// What a QPalette has no role for. Lists are index-aligned: run 3 stays "the green one" in both
/// themes.
struct ThemeColors {
  QColor plot_background;
  std::array<QColor, kRunColors> runs;
  std::array<QColor, kRunColors> ghosts;  ///< opaque, one third line colour, two thirds background
  QColor baseline;
  QColor grid;
  QColor axis_text;
  QColor error;
  QColor warning;
  QColor good;
  QColor untransformed;
  QColor separator;

  const QColor& run(int index) const { return runs[static_cast<std::size_t>(index % kRunColors)]; }
  const QColor& ghost(int index) const {
    return ghosts[static_cast<std::size_t>(index % kRunColors)];
  }
};

const ThemeColors& theme_colors(const QPalette& palette);

/// `share` of `front` over `back`, opaque.
QColor blend(const QColor& front, const QColor& back, double share);

/// Secondary text on the palette's window or base colour, at least 4.5:1.
QColor muted_text(const QPalette& palette);

/// WCAG contrast ratio, 1 to 21.
double contrast(const QColor& one, const QColor& other);

}  // namespace widgets
