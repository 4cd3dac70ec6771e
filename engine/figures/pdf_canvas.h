// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/figures/figure_canvas.h"

#include <map>

namespace engine {

/// One page of PDF 1.4 as wide as two columns of a paper (180 mm), so that text of 12 pixels is set
/// in 8.5 points. Its fonts are Helvetica and Symbol, which every reader brings along; of what lies
/// beyond Latin-1 it knows the Greek of verdicts (Δ, ρ), the arrow and dashes, and writes "?" for
/// the rest.
class PdfCanvas : public FigureCanvas {
 public:
  PdfCanvas(double width, double height);
  void line(const std::vector<SeriesPoint>& points, const Stroke& stroke) override;
  void area(const std::vector<SeriesPoint>& corners, const Fill& fill, bool outlined) override;
  void text(double x, double y, const std::string& words, const TextStyle& style) override;
  std::string finish() override;

 private:
  void path(const std::vector<SeriesPoint>& points);
  void setOpacity(double opacity);

  double width_;
  double height_;
  std::string content_;
  std::map<int, int> opacities_;  ///< hundredths -> number of the graphics state
};

}  // namespace engine
