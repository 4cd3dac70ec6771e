// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/glyph.h"

#include <cmath>
#include <numbers>

namespace engine {
namespace {

/// `count` corners around the centre, their distances `outer` and `inner` in turn; the first one
/// points up.
std::vector<SeriesPoint> star(int count, double outer, double inner) {
  std::vector<SeriesPoint> corners;
  for (int i = 0; i < count; ++i) {
    const double angle = 2 * std::numbers::pi * i / count;
    const double far = i % 2 == 0 ? outer : inner;
    corners.push_back({far * std::sin(angle), -far * std::cos(angle)});
  }
  return corners;
}

std::vector<SeriesPoint> plus(double arm, double half) {
  return {{-half, -arm}, {half, -arm}, {half, -half}, {arm, -half}, {arm, half},   {half, half},
          {half, arm},   {-half, arm}, {-half, half}, {-arm, half}, {-arm, -half}, {-half, -half}};
}

std::vector<SeriesPoint> turned(std::vector<SeriesPoint> corners) {
  for (SeriesPoint& corner : corners)
    corner = {(corner.x - corner.y) * std::numbers::sqrt2 / 2,
              (corner.x + corner.y) * std::numbers::sqrt2 / 2};
  return corners;
}

}  // namespace

std::vector<SeriesPoint> glyph_corners(int shape) {
  switch (shape) {
    case kBaselineShape:
      return {{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}};
    case 0:
      return star(20, 0.95, 0.95);
    case 1:
      return {{0, -1.1}, {1.1, 0.85}, {-1.1, 0.85}};
    case 2:
      return star(4, 1.2, 1.2);
    case 3:
      return {{0, 1.1}, {1.1, -0.85}, {-1.1, -0.85}};
    case 4:
      return plus(1.15, 0.38);
    case 5:
      return star(10, 1.3, 0.52);
    default:
      return turned(plus(1.25, 0.38));
  }
}

}  // namespace engine
