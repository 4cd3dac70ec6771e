// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/curve_figure.h"

#include "engine/figures/svg_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace engine {

const std::vector<std::string> kPrintColors = {"#2386FA", "#8E5316", "#047565", "#CA6698",
                                               "#0C3140", "#9F9703", "#50220E"};

namespace {

constexpr double kWidth = 720;
constexpr double kLeft = 70;
constexpr double kRight = 20;
constexpr double kTop = 36;
constexpr double kPlotHeight = 320;
constexpr double kLegendLine = 18;
constexpr const char* kInk = "#1b1f24";
constexpr const char* kGrid = "#e3e3e3";
constexpr const char* kBaseline = "#404040";
constexpr std::array<const char*, 4> kDashes = {"", "7 3", "2 2", "9 3 2 3"};

struct Range {
  double low = 0, high = 1;
};

/// Between the percentiles, with a margin; at least a little high.
Range value_range(const CurveFigure& figure, bool& is_cut) {
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
  Range range =
      values.size() < 50 ? Range{values.front(), values.back()} : Range{at(0.01), at(0.99)};
  const double margin = range.high > range.low ? 0.05 * (range.high - range.low)
                                               : std::max(1e-12, 0.05 * std::abs(range.high));
  range = {range.low - margin, range.high + margin};
  is_cut = least < range.low || most > range.high;
  return range;
}

Range position_range(const CurveFigure& figure) {
  Range range{INFINITY, -INFINITY};
  const auto take = [&range](double x) {
    range = {std::min(range.low, x), std::max(range.high, x)};
  };
  for (const FigureCurve& curve : figure.curves) {
    for (const SeriesPoint& point : curve.points) take(point.x);
    for (const double x : curve.not_finite) take(x);
  }
  if (!(range.low <= range.high)) return {};
  return range.low < range.high ? range : Range{range.low - 1, range.high + 1};
}

class Drawing {
 public:
  explicit Drawing(const CurveFigure& figure)
      : figure_(figure), x_(position_range(figure)), y_(value_range(figure, is_cut_)) {}

  std::string svg() {
    const double legend = kTop + kPlotHeight + 56;
    const double height = legend + kLegendLine * static_cast<double>(figure_.curves.size()) + 24;
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1:.0f}\" width=\"{0}\" "
        "height=\"{1:.0f}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n"
        "<rect width=\"{0}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n",
        kWidth, height);
    write(kLeft, 22, "start", figure_.title, "font-weight=\"bold\"");
    draw_axes();
    for (const FigureCurve& curve : figure_.curves) draw_band(curve);
    for (const FigureCurve& curve : figure_.curves) draw_line(curve);
    for (const FigureCurve& curve : figure_.curves) draw_marks(curve);
    draw_legend(legend);
    std::string foot = figure_.footnote;
    if (is_cut_) foot += foot.empty() ? "y axis cut off" : "; y axis cut off";
    write(kLeft, height - 10, "start", foot, "font-size=\"10\" fill-opacity=\"0.7\"");
    return text_ + "</svg>\n";
  }

 private:
  double across(double x) const {
    return kLeft + (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  /// What is above or below the plot is drawn on its edge: not every reader of SVG can clip.
  double down(double y) const {
    const double share = std::clamp((y_.high - y) / (y_.high - y_.low), 0.0, 1.0);
    return kTop + share * kPlotHeight;
  }
  static std::string color_of(const FigureCurve& curve) {
    return curve.is_baseline
               ? std::string(kBaseline)
               : kPrintColors[static_cast<std::size_t>(curve.color) % kPrintColors.size()];
  }
  static const char* dash_of(const FigureCurve& curve) {
    return curve.is_baseline ? "" : kDashes[static_cast<std::size_t>(curve.color) % kDashes.size()];
  }

  void write(double x, double y, const char* anchor, const std::string& words,
             const char* more = "") {
    if (words.empty()) return;
    text_ +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\" {}>{}</text>\n",
                    x, y, anchor, kInk, more, markup_escaped(words));
  }

  void draw_axes() {
    const double floor = kTop + kPlotHeight;
    for (const double tick : round_ticks(y_.low, y_.high, 6)) {
      text_ += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"{}\"/>\n", kLeft, down(tick),
                           kWidth - kRight, kGrid);
      write(kLeft - 8, down(tick) + 4, "end", tick_text(tick));
    }
    for (const double tick : round_ticks(x_.low, x_.high, 7)) {
      text_ += fmt::format("<path d=\"M{0:.1f} {1:.1f}v5\" stroke=\"{2}\"/>\n", across(tick), floor,
                           kInk);
      write(across(tick), floor + 19, "middle", tick_text(tick));
    }
    text_ += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"{}\"/>\n", kLeft, floor,
                         kWidth - kRight, kInk);
    write((kLeft + kWidth - kRight) / 2, floor + 38, "middle", figure_.x_title);
    text_ += fmt::format(
        "<text x=\"18\" y=\"{0:.1f}\" transform=\"rotate(-90 18 {0:.1f})\" text-anchor=\"middle\" "
        "fill=\"{1}\">{2}</text>\n",
        kTop + kPlotHeight / 2, kInk, markup_escaped(figure_.y_title));
  }

  void draw_band(const FigureCurve& curve) {
    if (curve.deviation.size() != curve.points.size() || curve.points.empty()) return;
    std::string upper, lower;
    for (std::size_t i = 0; i < curve.points.size(); ++i) {
      if (!std::isfinite(curve.deviation[i])) return;
      const double x = across(curve.points[i].x);
      upper += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", x,
                           down(curve.points[i].y + curve.deviation[i]));
      lower =
          fmt::format("L{:.1f} {:.1f}", x, down(curve.points[i].y - curve.deviation[i])) + lower;
    }
    text_ += fmt::format("<path d=\"{}{}Z\" fill=\"{}\" fill-opacity=\"0.18\"/>\n", upper, lower,
                         color_of(curve));
  }

  void draw_line(const FigureCurve& curve) {
    if (curve.points.empty()) return;
    std::string line;
    for (const SeriesPoint& point : curve.points)
      line +=
          fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", across(point.x), down(point.y));
    text_ += fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-dasharray=\"{}\" "
        "stroke-linejoin=\"round\"/>\n",
        line, color_of(curve), curve.is_baseline ? 2.2 : 1.5, dash_of(curve));
  }

  void draw_marks(const FigureCurve& curve) {
    if (!curve.points.empty()) {
      const SeriesPoint end = curve.points.back();
      draw_glyph(curve, across(end.x), down(end.y));
    }
    constexpr std::size_t kMost = 200;
    const std::size_t stride = curve.not_finite.size() / kMost + 1;
    for (std::size_t i = 0; i < curve.not_finite.size(); i += stride)
      text_ += fmt::format("<path d=\"M{:.1f} {:.1f}l-4 -8h8Z\" fill=\"{}\"/>\n",
                           across(curve.not_finite[i]), kTop + kPlotHeight, color_of(curve));
  }

  void draw_glyph(const FigureCurve& curve, double x, double y) {
    constexpr std::array<const char*, 5> kGlyphs = {"m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
                                                    "m-4 -4h8v8h-8Z", "m0 -5l5 9h-10Z",
                                                    "m0 -5l5 5l-5 5l-5 -5Z", "m0 5l5 -9h-10Z"};
    const char* glyph = kGlyphs[static_cast<std::size_t>(curve.color) % kGlyphs.size()];
    text_ += fmt::format("<path d=\"M{:.1f} {:.1f}{}\" fill=\"{}\" stroke=\"#ffffff\"/>\n", x, y,
                         curve.is_baseline ? kGlyphs[1] : glyph, color_of(curve));
  }

  void draw_legend(double top) {
    double y = top;
    for (const FigureCurve& curve : figure_.curves) {
      text_ += fmt::format(
          "<path d=\"M{:.1f} {:.1f}h34\" stroke=\"{}\" stroke-width=\"{}\" "
          "stroke-dasharray=\"{}\"/>\n",
          kLeft, y, color_of(curve), curve.is_baseline ? 2.2 : 1.5, dash_of(curve));
      draw_glyph(curve, kLeft + 34, y);
      write(kLeft + 48, y + 4, "start",
            curve.label + (curve.is_baseline ? " (baseline)" : "") +
                (curve.not_finite.empty()
                     ? ""
                     : fmt::format(", {} values not finite", curve.not_finite.size())));
      y += kLegendLine;
    }
  }

  const CurveFigure& figure_;
  bool is_cut_ = false;
  Range x_;
  Range y_;
  std::string text_;
};

}  // namespace

std::string svg_of(const CurveFigure& figure) { return Drawing(figure).svg(); }

}  // namespace engine
