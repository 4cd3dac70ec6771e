// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/theme.h"

#include "widgets/style/outlined_style.h"

#include <QApplication>
#include <QStyle>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

struct Roles {
  QRgb window, text, base, alternate, button, highlight, highlighted_text, link, tooltip, border;
  QRgb disabled;
};

constexpr Roles kLight{0xFFF4F5F7, 0xFF1B1E23, 0xFFFFFFFF, 0xFFF7F8FA, 0xFFFDFDFE, 0xFF2563C9,
                       0xFFFFFFFF, 0xFF1D56B3, 0xFFFFFFFF, 0xFFC9CDD4, 0xFF8B9099};
constexpr Roles kDark{0xFF26282B, 0xFFE6E7E9, 0xFF1E1E1E, 0xFF232425, 0xFF33363A, 0xFF3B78D8,
                      0xFFFFFFFF, 0xFF7FB2FF, 0xFF33363A, 0xFF4A4E54, 0xFF84888F};

QPalette palette_of(const Roles& roles, bool dark) {
  QPalette palette;
  const auto set = [&palette](QPalette::ColorRole role, QRgb color) {
    palette.setColor(role, QColor::fromRgb(color));
  };
  set(QPalette::Window, roles.window);
  set(QPalette::WindowText, roles.text);
  set(QPalette::Base, roles.base);
  set(QPalette::AlternateBase, roles.alternate);
  set(QPalette::Text, roles.text);
  set(QPalette::Button, roles.button);
  set(QPalette::ButtonText, roles.text);
  set(QPalette::BrightText, 0xFFFFFFFF);
  set(QPalette::Highlight, roles.highlight);
  set(QPalette::HighlightedText, roles.highlighted_text);
  set(QPalette::Link, roles.link);
  set(QPalette::LinkVisited, roles.link);
  set(QPalette::ToolTipBase, roles.tooltip);
  set(QPalette::ToolTipText, roles.text);
  set(QPalette::PlaceholderText, roles.disabled);
  const QColor border = QColor::fromRgb(roles.border);
  palette.setColor(QPalette::Mid, border);
  palette.setColor(QPalette::Midlight, dark ? border.darker(120) : border.lighter(110));
  palette.setColor(QPalette::Light, dark ? border.lighter(115) : QColor(Qt::white));
  palette.setColor(QPalette::Dark, dark ? QColor(0x17, 0x18, 0x19) : border.darker(125));
  palette.setColor(QPalette::Shadow, dark ? QColor(0x0E, 0x0E, 0x0F) : border.darker(170));
  for (const auto role :
       {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::HighlightedText}) {
    palette.setColor(QPalette::Disabled, role, QColor::fromRgb(roles.disabled));
  }
  palette.setColor(QPalette::Disabled, QPalette::Highlight, border);
  palette.setColor(QPalette::Disabled, QPalette::Base, QColor::fromRgb(roles.window));
  return palette;
}

ThemeColors light_colors() {
  ThemeColors colors;
  colors.plot_background = QColor("#FFFFFF");
  colors.runs = {QColor("#2386FA"), QColor("#8E5316"), QColor("#047565"), QColor("#CA6698"),
                 QColor("#0C3140"), QColor("#9F9703"), QColor("#50220E")};
  colors.ghosts = {QColor("#B6D7FD"), QColor("#DAC6B2"), QColor("#ACD1CC"), QColor("#EECDDD"),
                   QColor("#AFBBC0"), QColor("#DFDDAC"), QColor("#C5B6AF")};
  colors.baseline = QColor("#404040");
  colors.grid = QColor("#E3E3E3");
  colors.axis_text = QColor("#3C3C3C");
  colors.error = QColor("#B00020");
  colors.warning = QColor("#8A5A00");
  colors.good = QColor("#1B6E3C");
  colors.untransformed = QColor("#8C8C8C");
  colors.separator = QColor("#DADDE2");
  return colors;
}

ThemeColors dark_colors() {
  ThemeColors colors;
  colors.plot_background = QColor("#1E1E1E");
  colors.runs = {QColor("#56B4E9"), QColor("#E69F00"), QColor("#009E73"), QColor("#CC79A7"),
                 QColor("#0072B2"), QColor("#F0E442"), QColor("#D55E00")};
  colors.ghosts = {QColor("#305061"), QColor("#604914"), QColor("#14483A"), QColor("#573C4B"),
                   QColor("#143A4F"), QColor("#635F2A"), QColor("#5A3314")};
  colors.baseline = QColor("#C8C8C8");
  colors.grid = QColor("#333333");
  colors.axis_text = QColor("#C8C8C8");
  colors.error = QColor("#FF8A80");
  colors.warning = QColor("#FFC857");
  colors.good = QColor("#7BD88F");
  colors.untransformed = QColor("#8C8C8C");
  colors.separator = QColor("#3A3D41");
  return colors;
}

double luminance(const QColor& color) {
  const auto linear = [](double channel) {
    return channel <= 0.03928 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) +
         0.0722 * linear(color.blueF());
}

}  // namespace

std::optional<Theme> theme_from(const QString& name) {
  if (name == QLatin1String("system")) return Theme::system;
  if (name == QLatin1String("light")) return Theme::light;
  if (name == QLatin1String("dark")) return Theme::dark;
  return std::nullopt;
}

void apply_theme(QApplication& application, Theme theme) {
  static const QPalette platform_palette = QApplication::palette();
  if (dynamic_cast<OutlinedStyle*>(application.style()) == nullptr) {
    QApplication::setStyle(new OutlinedStyle);
  }
  const bool dark = theme == Theme::dark || (theme == Theme::system && is_dark(platform_palette));
  QApplication::setPalette(palette_of(dark ? kDark : kLight, dark));
}

QPalette light_palette() { return palette_of(kLight, false); }

bool is_dark(const QPalette& palette) {
  return luminance(palette.color(QPalette::Window)) <
         luminance(palette.color(QPalette::WindowText));
}

const ThemeColors& theme_colors(const QPalette& palette) {
  static const ThemeColors light = light_colors();
  static const ThemeColors dark = dark_colors();
  return is_dark(palette) ? dark : light;
}

QColor blend(const QColor& front, const QColor& back, double share) {
  const auto mix = [share](int one, int other) {
    return static_cast<int>(std::lround(one * share + other * (1 - share)));
  };
  return QColor(mix(front.red(), back.red()), mix(front.green(), back.green()),
                mix(front.blue(), back.blue()));
}

QColor muted_text(const QPalette& palette) {
  return blend(palette.color(QPalette::Active, QPalette::WindowText),
               palette.color(QPalette::Active, QPalette::Window), is_dark(palette) ? 0.66 : 0.68);
}

double contrast(const QColor& one, const QColor& other) {
  const double first = luminance(one);
  const double second = luminance(other);
  return (std::max(first, second) + 0.05) / (std::min(first, second) + 0.05);
}

}  // namespace widgets
