// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/curve_figure.h"

#include "engine/figures/svg_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace {

using namespace engine;

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size())
    ++found;
  return found;
}

TEST(SvgText, TicksAreRoundAndWithin) {
  EXPECT_EQ(round_step(10, 5), 2);
  EXPECT_EQ(round_step(0.07, 5), 0.02);
  EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_TRUE(round_ticks(1, 1, 5).empty());
  EXPECT_EQ(tick_text(0.1 + 0.2), "0.3");
  EXPECT_EQ(tick_text(7100), "7.1k");
  EXPECT_EQ(tick_text(-2.5e12), "-2.5T");
  EXPECT_EQ(markup_escaped("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
}

TEST(CurveFigure, EveryCurveHasItsOwnColourDashAndGlyph) {
  CurveFigure figure{
      .title = "loss", .x_title = "step", .y_title = "loss", .footnote = "", .curves = {}};
  figure.curves.push_back({.label = "plain", .is_baseline = true, .points = {{0, 3}, {10, 2}}});
  for (int i = 0; i < 3; ++i)
    figure.curves.push_back({.label = "q_levels<" + std::to_string(i),
                             .color = i,
                             .points = {{0, 3.0}, {10, 1.0 + i}}});
  const std::string svg = svg_of(figure);
  EXPECT_EQ(count(svg, "plain (baseline)"), 1u);
  EXPECT_EQ(count(svg, "q_levels&lt;2"), 1u) << "labels are escaped";
  for (int i = 0; i < 3; ++i) EXPECT_GE(count(svg, kPrintColors[std::size_t(i)]), 2u);
  EXPECT_EQ(count(svg, "stroke-dasharray=\"7 3\""), 2u) << "the curve and its legend";
  EXPECT_EQ(count(svg, "NaN") + count(svg, "nan") + count(svg, "inf"), 0u);
}

TEST(CurveFigure, BandsNonFiniteValuesAndCutsAreShown) {
  CurveFigure figure;
  FigureCurve curve{.label = "a", .points = {}};
  for (int i = 0; i < 200; ++i) {
    curve.points.push_back({double(i), i == 100 ? 1e6 : 2.0});
    curve.deviation.push_back(0.1);
  }
  curve.not_finite = {50, 51};
  figure.curves.push_back(curve);
  const std::string svg = svg_of(figure);
  EXPECT_EQ(count(svg, "fill-opacity=\"0.18\""), 1u);
  EXPECT_NE(svg.find("a, 2 values not finite"), std::string::npos);
  EXPECT_NE(svg.find("y axis cut off"), std::string::npos);
  EXPECT_EQ(svg.find("1M"), std::string::npos) << "one outlier does not squash the curve";
}

TEST(CurveFigure, NothingToDrawIsStillAPicture) {
  EXPECT_NE(svg_of({}).find("</svg>"), std::string::npos);
  CurveFigure figure;
  figure.curves.push_back({.label = "one point", .points = {{5, 2}}});
  figure.curves.push_back({.label = "none", .points = {}});
  const std::string svg = svg_of(figure);
  EXPECT_EQ(count(svg, "nan"), 0u);
  EXPECT_EQ(count(svg, "inf"), 0u);
}

}  // namespace
