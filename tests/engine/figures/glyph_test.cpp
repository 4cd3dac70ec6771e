// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/glyph.h"

#include "engine/figures/run_look.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace engine;

/// Whether (x, y) is inside, by how often the border winds around it.
bool is_inside(const std::vector<SeriesPoint>& corners, double x, double y) {
  bool inside = false;
  for (std::size_t i = 0, j = corners.size() - 1; i < corners.size(); j = i++) {
    const SeriesPoint& a = corners[i];
    const SeriesPoint& b = corners[j];
    if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

/// Share of the smaller of two shapes' area that is not in both.
double difference(int one, int other) {
  int only = 0, all = 0;
  for (double x = -1.5; x <= 1.5; x += 0.05) {
    for (double y = -1.5; y <= 1.5; y += 0.05) {
      const bool a = is_inside(glyph_corners(one), x, y);
      const bool b = is_inside(glyph_corners(other), x, y);
      only += a != b ? 1 : 0;
      all += a || b ? 1 : 0;
    }
  }
  return double(only) / all;
}

TEST(Glyph, ShapesAreOfOneSizeAndDifferFromEachOther) {
  for (int shape = kBaselineShape; shape < kLookShapes; ++shape) {
    EXPECT_TRUE(is_inside(glyph_corners(shape), 0, 0)) << "it covers the point it marks: " << shape;
    for (const SeriesPoint& corner : glyph_corners(shape))
      EXPECT_LT(std::hypot(corner.x, corner.y), 1.45) << shape;
    for (int other = kBaselineShape; other < shape; ++other)
      EXPECT_GT(difference(shape, other), 0.15) << shape << " and " << other;
  }
}

}  // namespace
