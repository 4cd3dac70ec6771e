// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/svg_canvas.h"

#include "engine/figures/svg_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace engine {
namespace {

std::string path_of(const std::vector<SeriesPoint>& points) {
  std::string path;
  for (const SeriesPoint& point : points)
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", point.x, point.y);
  return path;
}

std::string opacity_text(const char* attribute, double opacity) {
  return opacity < 1 ? fmt::format(" {}=\"{:g}\"", attribute, opacity) : "";
}

}  // namespace

SvgCanvas::SvgCanvas(double width, double height)
    : text_(fmt::format(
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
          "width=\"{0:.0f}\" height=\"{1:.0f}\" font-family=\"Helvetica, Arial, sans-serif\" "
          "font-size=\"12\">\n<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n",
          width, height)) {}

void SvgCanvas::line(const std::vector<SeriesPoint>& points, const Stroke& stroke) {
  if (points.empty()) return;
  text_ += fmt::format(
      "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{:g}\"{} "
      "stroke-linejoin=\"round\"/>\n",
      path_of(points), stroke.color, stroke.width,
      stroke.dash.empty() ? ""
                          : fmt::format(" stroke-dasharray=\"{}\"", fmt::join(stroke.dash, " ")));
}

void SvgCanvas::area(const std::vector<SeriesPoint>& corners, const Fill& fill, bool outlined) {
  if (corners.empty()) return;
  text_ += fmt::format("<path d=\"{}Z\" fill=\"{}\"{}{}/>\n", path_of(corners), fill.color,
                       opacity_text("fill-opacity", fill.opacity),
                       outlined ? " stroke=\"#ffffff\"" : "");
}

void SvgCanvas::text(double x, double y, const std::string& words, const TextStyle& style) {
  if (words.empty()) return;
  constexpr const char* kAnchors[] = {"start", "middle", "end"};
  text_ += fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" font-size=\"{:g}\" "
      "fill=\"#1b1f24\"{}{}{}>{}</text>\n",
      x, y, kAnchors[static_cast<std::size_t>(style.anchor)], style.size,
      style.bold ? " font-weight=\"bold\"" : "", opacity_text("fill-opacity", style.opacity),
      style.turned ? fmt::format(" transform=\"rotate(-90 {:.1f} {:.1f})\"", x, y) : "",
      markup_escaped(words));
}

}  // namespace engine
