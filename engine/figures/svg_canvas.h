// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/figures/figure_canvas.h"

namespace engine {

/// White paper of this size in SVG 1.1, with no style sheet, clip or gradient: all readers draw it.
class SvgCanvas : public FigureCanvas {
 public:
  SvgCanvas(double width, double height);
  void line(const std::vector<SeriesPoint>& points, const Stroke& stroke) override;
  void area(const std::vector<SeriesPoint>& corners, const Fill& fill, bool outlined) override;
  void text(double x, double y, const std::string& words, const TextStyle& style) override;
  std::string finish() override { return text_ + "</svg>\n"; }

 private:
  std::string text_;
};

}  // namespace engine
