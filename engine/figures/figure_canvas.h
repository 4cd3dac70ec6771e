// SPDX-License-Identifier: GPL-3.0-or-later
// What figures are drawn on: a few primitives, so that each format is one small class and a figure
// looks the same in all of them.
#pragma once

#include "engine/runs/run_series.h"

#include <string>
#include <vector>

namespace engine {

struct Stroke {
  std::string color;  ///< "#rrggbb"
  double width = 1;
  std::vector<double> dash{};  ///< lengths of strokes and gaps in turn; empty = unbroken
};

struct Fill {
  std::string color;
  double opacity = 1;
};

enum class TextAnchor { start, middle, end };

struct TextStyle {
  TextAnchor anchor = TextAnchor::start;
  double size = 12;
  bool bold = false;
  bool turned = false;  ///< reads upwards
  double opacity = 1;
};

/// Coordinates in pixels from the upper left corner; y points down.
class FigureCanvas {
 public:
  virtual ~FigureCanvas() = default;
  virtual void line(const std::vector<SeriesPoint>& points, const Stroke& stroke) = 0;
  /// Closed; with a thin white outline where `outlined`, so that it stands out from lines below.
  virtual void area(const std::vector<SeriesPoint>& corners, const Fill& fill, bool outlined) = 0;
  /// `words` in UTF-8, the baseline at y.
  virtual void text(double x, double y, const std::string& words, const TextStyle& style) = 0;
  /// The whole file. Once, at the end.
  virtual std::string finish() = 0;
};

}  // namespace engine
