// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/theme.h"

#include "widgets/style/symbol_icon.h"

#include <QApplication>

#include <gtest/gtest.h>

namespace {

using widgets::Theme;

class ThemePalettes : public testing::TestWithParam<Theme> {
 protected:
  void SetUp() override { widgets::apply_theme(*qApp, GetParam()); }
};

TEST_P(ThemePalettes, TextStandsOutFromEveryBackground) {
  const QPalette palette = QApplication::palette();
  const auto at_least = [&](QPalette::ColorRole text, QPalette::ColorRole back, double ratio) {
    EXPECT_GE(widgets::contrast(palette.color(text), palette.color(back)), ratio)
        << text << " on " << back;
  };
  at_least(QPalette::WindowText, QPalette::Window, 7);
  at_least(QPalette::Text, QPalette::Base, 7);
  at_least(QPalette::ButtonText, QPalette::Button, 7);
  at_least(QPalette::HighlightedText, QPalette::Highlight, 4);
  at_least(QPalette::ToolTipText, QPalette::ToolTipBase, 7);
  at_least(QPalette::Link, QPalette::Base, 4.5);
  EXPECT_GE(widgets::contrast(widgets::muted_text(palette), palette.color(QPalette::Window)), 4.5);
  EXPECT_GE(widgets::contrast(widgets::muted_text(palette), palette.color(QPalette::Base)), 4.5);
}

TEST_P(ThemePalettes, LinesAndStatesStandOutFromThePlot) {
  const auto& colors = widgets::theme_colors(QApplication::palette());
  for (int run = 0; run < widgets::kRunColors; ++run) {
    EXPECT_GE(widgets::contrast(colors.run(run), colors.plot_background), 3.0) << run;
  }
  for (const auto& state : {colors.error, colors.warning, colors.good}) {
    EXPECT_GE(widgets::contrast(state, colors.plot_background), 4.5) << state.name().toStdString();
  }
}

TEST_P(ThemePalettes, DarknessIsReadFromThePalette) {
  EXPECT_EQ(widgets::is_dark(QApplication::palette()), GetParam() == Theme::dark);
}

TEST_P(ThemePalettes, IconsTakeTheColourOfTheText) {
  const QImage image =
      widgets::symbol_icon(QStringLiteral("stop")).pixmap(QSize(32, 32), 1.0).toImage();
  EXPECT_EQ(image.pixelColor(16, 16).rgb(),
            QApplication::palette().color(QPalette::ButtonText).rgb());
}

INSTANTIATE_TEST_SUITE_P(LightAndDark, ThemePalettes, testing::Values(Theme::light, Theme::dark));

TEST(SymbolIcon, AnUnknownNameIsNoIcon) {
  EXPECT_TRUE(widgets::symbol_icon(QStringLiteral("no-such-icon")).isNull());
}

}  // namespace
