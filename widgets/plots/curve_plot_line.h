// SPDX-License-Identifier: GPL-3.0-or-later
// Inside of CurvePlot, shared by its source files.
#pragma once

#include "widgets/plots/curve_plot.h"
#include "widgets/plots/custom_plot.h"
#include "widgets/plots/growing_view.h"

namespace widgets {

inline constexpr double kPixelsPerPoint = 2;
/// Of each of many curves: a frame of twenty has no time for more, and nobody could tell.
inline constexpr double kPixelsPerPointOfMany = 4;
inline constexpr std::size_t kMany = 9;
inline constexpr int kMostLegendRows = 3;
/// Of a band's edge: filling a jagged one costs Qt a hundred times what a line does.
inline constexpr std::size_t kPixelsPerEdge = 8;
/// Beyond that many curves the raw values would only be mud.
inline constexpr std::size_t kMostGhosts = 4;

struct CurvePlot::Line {
  Curve curve;
  QCPGraph* ghost = nullptr;
  QCPGraph* main = nullptr;
  QCPGraph* broken = nullptr;
  QCPGraph* end = nullptr;
  QCPGraph* low = nullptr;  ///< with high: the edges of a band, null without one
  QCPGraph* high = nullptr;
  engine::Smoother smoother{1};
  std::vector<double> smooth;
  std::vector<double> smooth_low, smooth_high;  ///< of a band; empty = to be found again
  GrowingView raw_view, smooth_view;
  ValueRange range;        ///< where its axis is wanted to be, found from the first
  std::size_t ranged = 0;  ///< values; 0 = to be found
  std::size_t within = 0;  ///< values that were seen to lie in it, or to be outliers

  /// What was found of its values is of others now.
  void forget() {
    smooth.clear();
    smooth_low.clear();
    smooth_high.clear();
    raw_view.clear();
    smooth_view.clear();
    ranged = 0;
  }
  double last_raw_x = 0;
  double last_raw_y = 0;
};

}  // namespace widgets
