// SPDX-License-Identifier: GPL-3.0-or-later
// Curves over a common axis as one picture for print.
#pragma once

#include "engine/figures/figure_axes.h"
#include "engine/figures/run_look.h"
#include "engine/runs/run_series.h"

#include <string>
#include <vector>

namespace engine {

struct FigureCurve {
  std::string label;
  int look = 0;                      ///< colour, shape and dash
  bool is_baseline = false;          ///< drawn grey, thicker, unbroken, with a square
  std::vector<SeriesPoint> points;   ///< thinned, ascending x, finite
  std::vector<double> deviation{};   ///< half-height of a band around each point; empty = none
  std::vector<double> not_finite{};  ///< x of values that are NaN or infinite: marked on the floor
};

struct CurveFigure {
  std::string title;
  std::string x_title;
  std::string y_title;
  std::string footnote;
  std::vector<FigureCurve> curves;
};

/// Every curve has a colour, a dash pattern and a glyph at its end (one of few points at each of
/// them), so that it is told apart in grey too. The y axis spans the 1st to 99th percentile, and
/// says so where it cuts something off.
std::string svg_of(const CurveFigure& figure);
/// The same as one page of PDF.
std::string pdf_of(const CurveFigure& figure);

}  // namespace engine
