// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/curve_figure.h"

#include "engine/figures/glyph.h"
#include "engine/figures/pdf_canvas.h"
#include "engine/figures/svg_canvas.h"
#include "engine/figures/svg_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace engine {

namespace {

/// A curve of so few points is marked at each of them.
constexpr std::size_t kMostMarked = 30;
const std::array<std::vector<double>, 4> kDashes = {{{}, {7, 3}, {2, 2}, {9, 3, 2, 3}}};

/// Between the percentiles, with a margin; at least a little high.
FigureRange value_range(const CurveFigure& figure, bool& is_cut) {
  std::vector<double> values;
  double least = INFINITY, most = -INFINITY;
  for (const FigureCurve& curve : figure.curves) {
    for (std::size_t i = 0; i < curve.points.size(); ++i) {
      const double band =
          curve.deviation.empty() || !std::isfinite(curve.deviation[i]) ? 0 : curve.deviation[i];
      for (const double value : {curve.points[i].y - band, curve.points[i].y + band})
        values.push_back(value);
      least = std::min(least, curve.points[i].y);
      most = std::max(most, curve.points[i].y);
    }
  }
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  FigureRange range = values.size() < 50 ? FigureRange{values.front(), values.back()}
                                         : FigureRange{at(0.01), at(0.99)};
  const double margin = range.high > range.low ? 0.05 * (range.high - range.low)
                                               : std::max(1e-12, 0.05 * std::abs(range.high));
  range = {range.low - margin, range.high + margin};
  is_cut = least < range.low || most > range.high;
  return range;
}

FigureRange position_range(const CurveFigure& figure) {
  FigureRange range{INFINITY, -INFINITY};
  const auto take = [&range](double x) {
    range = {std::min(range.low, x), std::max(range.high, x)};
  };
  for (const FigureCurve& curve : figure.curves) {
    for (const SeriesPoint& point : curve.points) take(point.x);
    for (const double x : curve.not_finite) take(x);
  }
  if (!(range.low <= range.high)) return {};
  return range.low < range.high ? range : FigureRange{range.low - 1, range.high + 1};
}

class Drawing {
 public:
  Drawing(const CurveFigure& figure, double height, FigureCanvas& canvas)
      : figure_(figure),
        canvas_(canvas),
        height_(height),
        axes_(canvas, position_range(figure), value_range(figure, is_cut_)) {}

  void draw() {
    axes_.draw(figure_.title, figure_.x_title, figure_.y_title);
    for (const FigureCurve& curve : figure_.curves) draw_band(curve);
    // The baseline below the others, which would be hidden where they are equal to it.
    for (const bool is_baseline : {true, false}) {
      for (const FigureCurve& curve : figure_.curves) {
        if (curve.is_baseline != is_baseline) continue;
        draw_line(curve);
        draw_marks(curve);
      }
    }
    draw_legend();
    std::string foot = figure_.footnote;
    if (is_cut_) foot += foot.empty() ? "y axis cut off" : "; y axis cut off";
    canvas_.text(FigureAxes::kLeft, height_ - 10, foot, {.size = 10, .opacity = 0.7});
  }

 private:
  static std::string color_of(const FigureCurve& curve) {
    return curve.is_baseline ? std::string(kPrintBaseline) : print_color(curve.look);
  }
  static Stroke stroke_of(const FigureCurve& curve) {
    const std::size_t dash = static_cast<std::size_t>(curve.look) % kDashes.size();
    return {color_of(curve), curve.is_baseline ? 2.2 : 1.5,
            curve.is_baseline ? std::vector<double>{} : kDashes[dash]};
  }

  void draw_band(const FigureCurve& curve) {
    if (curve.deviation.size() != curve.points.size() || curve.points.empty()) return;
    std::vector<SeriesPoint> corners, lower;
    for (std::size_t i = 0; i < curve.points.size(); ++i) {
      if (!std::isfinite(curve.deviation[i])) return;
      const double x = axes_.across(curve.points[i].x);
      corners.push_back({x, axes_.down(curve.points[i].y + curve.deviation[i])});
      lower.push_back({x, axes_.down(curve.points[i].y - curve.deviation[i])});
    }
    corners.insert(corners.end(), lower.rbegin(), lower.rend());
    canvas_.area(corners, {color_of(curve), 0.18}, false);
  }

  void draw_line(const FigureCurve& curve) {
    std::vector<SeriesPoint> points;
    for (const SeriesPoint& point : curve.points)
      points.push_back({axes_.across(point.x), axes_.down(point.y)});
    canvas_.line(points, stroke_of(curve));
  }

  void draw_marks(const FigureCurve& curve) {
    const std::size_t first = curve.points.size() <= kMostMarked ? 0 : curve.points.size() - 1;
    for (std::size_t i = first; i < curve.points.size(); ++i)
      mark(curve, axes_.across(curve.points[i].x), axes_.down(curve.points[i].y));
    constexpr std::size_t kMost = 200;
    const std::size_t stride = curve.not_finite.size() / kMost + 1;
    const double floor = FigureAxes::kFloor;
    for (std::size_t i = 0; i < curve.not_finite.size(); i += stride) {
      const double x = axes_.across(curve.not_finite[i]);
      canvas_.area({{x, floor}, {x - 4, floor - 8}, {x + 4, floor - 8}}, {color_of(curve)}, false);
    }
  }

  void mark(const FigureCurve& curve, double x, double y) {
    draw_glyph(canvas_, curve.is_baseline ? kBaselineShape : shape_of_look(curve.look), x, y,
               color_of(curve));
  }

  void draw_legend() {
    double y = FigureAxes::kFloor + FigureAxes::kBelow;
    const double left = FigureAxes::kLeft;
    for (const FigureCurve& curve : figure_.curves) {
      canvas_.line({{left, y}, {left + 34, y}}, stroke_of(curve));
      mark(curve, left + 34, y);
      canvas_.text(left + 48, y + 4,
                   curve.label + (curve.is_baseline ? " (baseline)" : "") +
                       (curve.not_finite.empty()
                            ? ""
                            : fmt::format(", {} values not finite", curve.not_finite.size())),
                   {});
      y += FigureAxes::kLegendLine;
    }
  }

  const CurveFigure& figure_;
  FigureCanvas& canvas_;
  double height_;
  bool is_cut_ = false;
  FigureAxes axes_;
};

template <typename Canvas>
std::string drawn(const CurveFigure& figure) {
  const double height = FigureAxes::kFloor + FigureAxes::kBelow +
                        FigureAxes::kLegendLine * static_cast<double>(figure.curves.size()) + 24;
  Canvas canvas(FigureAxes::kWidth, height);
  Drawing(figure, height, canvas).draw();
  return canvas.finish();
}

}  // namespace

std::string svg_of(const CurveFigure& figure) { return drawn<SvgCanvas>(figure); }
std::string pdf_of(const CurveFigure& figure) { return drawn<PdfCanvas>(figure); }

}  // namespace engine
