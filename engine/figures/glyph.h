// SPDX-License-Identifier: GPL-3.0-or-later
// The shapes that tell runs apart without colour, the same on screen and in print.
#pragma once

#include "engine/runs/run_series.h"

#include <vector>

namespace engine {

/// A square, which no run but the baseline has.
inline constexpr int kBaselineShape = -1;

/// Corners of a closed shape around (0, 0) that reaches about 1 to all sides, y pointing down:
/// kBaselineShape, or one of kLookShapes from 0 on: disc, triangle, diamond, triangle that points
/// down, plus, star, cross.
std::vector<SeriesPoint> glyph_corners(int shape);

}  // namespace engine
