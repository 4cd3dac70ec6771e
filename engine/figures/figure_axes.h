// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/figures/figure_canvas.h"

#include <string>
#include <vector>

namespace engine {

/// Colours of looks on white paper, all at least 3:1 against it.
extern const std::vector<std::string> kPrintColors;
const std::string& print_color(int look);
inline constexpr const char* kPrintBaseline = "#404040";

struct FigureRange {
  double low = 0, high = 1;
};

/// The plot of a figure: where values stand on the canvas, its axes and titles.
class FigureAxes {
 public:
  static constexpr double kWidth = 720;  ///< of the canvas
  static constexpr double kLeft = 70;
  static constexpr double kFloor = 356;  ///< of the plot
  static constexpr double kBelow = 56;   ///< what ticks and title take below the floor
  static constexpr double kLegendLine = 18;

  FigureAxes(FigureCanvas& canvas, FigureRange x, FigureRange y) : canvas_(canvas), x_(x), y_(y) {}

  double across(double x) const;
  /// What is above or below the plot is on its edge: not every reader can clip.
  double down(double y) const;
  void draw(const std::string& title, const std::string& x_title, const std::string& y_title) const;

 private:
  FigureCanvas& canvas_;
  FigureRange x_;
  FigureRange y_;
};

/// The mark of a curve or point around (x, y) of the canvas; shapes as glyph_corners() has them.
void draw_glyph(FigureCanvas& canvas, int shape, double x, double y, const std::string& color);

}  // namespace engine
