// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/sweep_figure.h"

#include "engine/error.h"
#include "tests/support/fake_engine.h"

#include <gtest/gtest.h>

#include <limits>
#include <regex>

namespace paradigm {
namespace {

engine::SweepResult swept(std::int64_t draws) {
  engine::SweepConfig config;
  config.axes.push_back(engine::parse_sweep_axis("q_levels=4,16,<256>"));
  config.noise_seeds = draws;
  return tests::FakeEngine().sweep(config);
}

std::ptrdiff_t count(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return std::distance(std::sregex_iterator(text.begin(), text.end(), regex),
                       std::sregex_iterator());
}

TEST(SweepFigure, HasAPointForEachCellAndABarForEachSpread) {
  const std::string svg = svg_of(swept(3));
  EXPECT_EQ(count(svg, "<circle "), 6) << "two semantics";
  EXPECT_EQ(count(svg, "stroke-width"), 6);
  EXPECT_EQ(count(svg, "stroke-dasharray"), 1) << "the plain model";
  EXPECT_NE(svg.find("&lt;256&gt;"), std::string::npos);
  EXPECT_EQ(count(svg, "<text"), count(svg, "</text>"));
  EXPECT_EQ(count(svg_of(swept(1)), "stroke-width"), 0) << "one draw has no spread";
}

TEST(SweepFigure, LowerLossStandsLower) {
  const std::string svg = svg_of(swept(1));
  const std::regex circle("cy=\"([0-9.]+)\" r=\"3.5\" fill=\"#0f6fb8\"");
  std::vector<double> heights;
  for (std::sregex_iterator it(svg.begin(), svg.end(), circle), end; it != end; ++it) {
    heights.push_back(std::stod((*it)[1]));
  }
  ASSERT_EQ(heights.size(), 3u);
  EXPECT_LT(heights[0], heights[1]) << "y grows downwards";
  EXPECT_LT(heights[1], heights[2]);
}

TEST(SweepFigure, LeavesOutWhatIsNotFinite) {
  auto result = swept(1);
  result.cells[1].losses[0] = std::numeric_limits<double>::quiet_NaN();
  const std::string svg = svg_of(result);
  EXPECT_EQ(count(svg, "<circle "), 5);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(SweepFigure, TakesExactlyOneAxis) {
  EXPECT_THROW(check_figure("a.svg", {}), engine::Error);
  EXPECT_THROW(check_figure("a.svg", {{"a", {"1"}}, {"b", {"1"}}}), engine::Error);
  EXPECT_NO_THROW(check_figure("a.svg", {{"a", {"1"}}}));
}

TEST(SweepFigure, IsSvgAndNothingElse) {
  EXPECT_THROW(check_figure("a.png", {{"a", {"1"}}}), engine::Error);
  EXPECT_THROW(check_figure("svg", {{"a", {"1"}}}), engine::Error);
}

}  // namespace
}  // namespace paradigm
