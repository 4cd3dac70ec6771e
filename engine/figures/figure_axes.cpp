// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/figure_axes.h"

#include "engine/figures/glyph.h"
#include "engine/figures/run_look.h"
#include "engine/figures/svg_text.h"

#include <algorithm>

namespace engine {
namespace {

constexpr double kRight = 20;
constexpr double kTop = 36;
constexpr const char* kInk = "#1b1f24";
constexpr const char* kGrid = "#e3e3e3";

}  // namespace

const std::vector<std::string> kPrintColors = {"#2386FA", "#8E5316", "#047565", "#CA6698",
                                               "#0C3140", "#9F9703", "#50220E"};

const std::string& print_color(int look) {
  return kPrintColors[static_cast<std::size_t>(color_of_look(look))];
}

double FigureAxes::across(double x) const {
  return kLeft + (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
}

double FigureAxes::down(double y) const {
  const double share = std::clamp((y_.high - y) / (y_.high - y_.low), 0.0, 1.0);
  return kTop + share * (kFloor - kTop);
}

void FigureAxes::draw(const std::string& title, const std::string& x_title,
                      const std::string& y_title) const {
  canvas_.text(kLeft, 22, title, {.bold = true});
  for (const double tick : round_ticks(y_.low, y_.high, 6)) {
    canvas_.line({{kLeft, down(tick)}, {kWidth - kRight, down(tick)}}, {kGrid});
    canvas_.text(kLeft - 8, down(tick) + 4, tick_text(tick), {.anchor = TextAnchor::end});
  }
  for (const double tick : round_ticks(x_.low, x_.high, 7)) {
    canvas_.line({{across(tick), kFloor}, {across(tick), kFloor + 5}}, {kInk});
    canvas_.text(across(tick), kFloor + 19, tick_text(tick), {.anchor = TextAnchor::middle});
  }
  canvas_.line({{kLeft, kFloor}, {kWidth - kRight, kFloor}}, {kInk});
  canvas_.text((kLeft + kWidth - kRight) / 2, kFloor + 38, x_title, {.anchor = TextAnchor::middle});
  canvas_.text(18, (kTop + kFloor) / 2, y_title, {.anchor = TextAnchor::middle, .turned = true});
}

void draw_glyph(FigureCanvas& canvas, int shape, double x, double y, const std::string& color) {
  constexpr double kRadius = 4.5;
  std::vector<SeriesPoint> corners = glyph_corners(shape);
  for (SeriesPoint& corner : corners) corner = {x + kRadius * corner.x, y + kRadius * corner.y};
  canvas.area(corners, {color}, true);
}

}  // namespace engine
