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
    figure.curves.push_back(
        {.label = "q_levels<" + std::to_string(i), .look = i, .points = {{0, 3.0}, {10, 1.0 + i}}});
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

/// The objects that the table at the end says are there, at the bytes it says.
std::size_t objects_at_their_places(const std::string& pdf) {
  const std::size_t start = std::stoul(pdf.substr(pdf.rfind("startxref\n") + 10));
  EXPECT_EQ(pdf.substr(start, 5), "xref\n");
  std::size_t found = 0;
  std::size_t line = pdf.find("00000 n \n", start);
  for (; line != std::string::npos; line = pdf.find("00000 n \n", line + 1)) {
    const std::size_t at = std::stoul(pdf.substr(line - 11, 10));
    EXPECT_EQ(pdf.substr(at, std::to_string(found + 1).size() + 6),
              std::to_string(found + 1) + " 0 obj");
    ++found;
  }
  return found;
}

TEST(CurveFigure, IsAlsoAPageOfPdf) {
  CurveFigure figure{.title = "loss (\xCE\x94 \\ )",
                     .x_title = "step",
                     .y_title = "eval_loss",
                     .footnote = "",
                     .curves = {}};
  figure.curves.push_back({.label = "q_levels 256 \xE2\x86\x92 16",
                           .points = {{0, 3}, {5, 2.5}, {10, 2}},
                           .deviation = {0.1, 0.1, 0.1}});
  const std::string pdf = pdf_of(figure);
  EXPECT_EQ(pdf.rfind("%PDF-1.4\n", 0), 0u);
  EXPECT_EQ(objects_at_their_places(pdf), 4u);
  const std::size_t stream = pdf.find("stream\n") + 7;
  const std::size_t length = std::stoul(pdf.substr(pdf.find("/Length ") + 8));
  EXPECT_EQ(pdf.substr(stream + length, 9), "endstream");
  EXPECT_NE(pdf.find("<44> Tj"), std::string::npos) << "the delta is a glyph of Symbol";
  EXPECT_NE(pdf.find("/ca 0.18"), std::string::npos) << "the band is transparent";
  EXPECT_NE(pdf.find("/MediaBox [0 0 510.24"), std::string::npos) << "180 mm";
  EXPECT_EQ(count(pdf, "nan") + count(pdf, "inf"), 0u);
  EXPECT_EQ(objects_at_their_places(pdf_of({})), 4u);
}

}  // namespace
