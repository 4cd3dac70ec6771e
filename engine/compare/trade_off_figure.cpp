// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/trade_off_figure.h"

#include "engine/compare/trade_off.h"
#include "engine/config/number_text.h"
#include "engine/csv.h"
#include "engine/figures/figure_axes.h"
#include "engine/figures/glyph.h"
#include "engine/figures/pdf_canvas.h"
#include "engine/figures/run_look.h"
#include "engine/figures/svg_canvas.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace engine {
namespace {

using Runs = std::vector<const ComparableRun*>;

std::vector<TradeOffPoint> points_of(const Runs& runs, const ComparisonOptions& options) {
  return trade_off_points(runs, options.cost, options.metrics.front(), options.statistic);
}

FigureRange around(double low, double high, double right) {
  const double extent = high > low ? high - low : std::max(1e-12, std::abs(high) * 0.1);
  return {low - 0.08 * extent, high + right * extent};
}

template <typename Canvas>
std::string drawn(const TradeOffFigure& figure) {
  constexpr double kHeight = FigureAxes::kFloor + FigureAxes::kBelow;
  Canvas canvas(FigureAxes::kWidth, kHeight);
  FigureRange x{INFINITY, -INFINITY}, y{INFINITY, -INFINITY};
  for (const auto& mark : figure.marks) {
    x = {std::min(x.low, mark.x), std::max(x.high, mark.x)};
    y = {std::min(y.low, mark.y), std::max(y.high, mark.y)};
  }
  const bool is_empty = figure.marks.empty();
  const FigureAxes axes(canvas, is_empty ? FigureRange{} : around(x.low, x.high, 0.3),
                        is_empty ? FigureRange{} : around(y.low, y.high, 0.12));
  axes.draw(fmt::format("{} against {}", figure.result, figure.cost), figure.cost, figure.result);
  std::vector<SeriesPoint> stairs;
  for (const SeriesPoint& point : figure.front) {
    if (!stairs.empty()) stairs.push_back({axes.across(point.x), stairs.back().y});
    stairs.push_back({axes.across(point.x), axes.down(point.y)});
  }
  canvas.line(stairs, {"#8c8c8c", 1, {5, 3}});
  for (const auto& mark : figure.marks) {
    const std::string color = mark.is_baseline ? kPrintBaseline : print_color(mark.look);
    const double x_at = axes.across(mark.x);
    draw_glyph(canvas, mark.is_baseline ? kBaselineShape : shape_of_look(mark.look), x_at,
               axes.down(mark.y), color);
    // Labels point inwards, so that none leaves the page.
    const bool is_right = x_at > 0.6 * FigureAxes::kWidth;
    canvas.text(x_at + (is_right ? -8 : 8), axes.down(mark.y) - 6, mark.label,
                {.anchor = is_right ? TextAnchor::end : TextAnchor::start, .size = 11});
  }
  return canvas.finish();
}

}  // namespace

TradeOffFigure trade_off_figure(const Runs& runs, const RunComparison& comparison) {
  TradeOffFigure figure{comparison.options.cost, comparison.options.metrics.front(), {}, {}};
  const std::vector<TradeOffPoint> points = points_of(runs, comparison.options);
  std::set<std::size_t> named;
  for (const TradeOffPoint& point : points) {
    const std::size_t group = comparison.runs[point.run].group;
    const SeedGroup& all = comparison.groups[group];
    figure.marks.push_back({named.insert(group).second ? all.label : "", all.look,
                            group == comparison.base_group, point.cost, point.result});
  }
  for (const TradeOffPoint& point : pareto_front(points))
    figure.front.push_back({point.cost, point.result});
  return figure;
}

std::string svg_of(const TradeOffFigure& figure) { return drawn<SvgCanvas>(figure); }
std::string pdf_of(const TradeOffFigure& figure) { return drawn<PdfCanvas>(figure); }

std::string trade_off_csv(const Runs& runs, const RunComparison& comparison) {
  const std::vector<TradeOffPoint> points = points_of(runs, comparison.options);
  std::set<std::size_t> front;
  for (const TradeOffPoint& point : pareto_front(points)) front.insert(point.run);
  std::string text = "run,group,seed,cost," + comparison.options.metrics.front() + ",on_front\n";
  for (const TradeOffPoint& point : points) {
    const std::int64_t seed = runs[point.run]->training_seed();
    text += fmt::format("{},{},{},{},{},{}\n", csv_field(runs[point.run]->name),
                        csv_field(comparison.groups[comparison.runs[point.run].group].label),
                        seed < 0 ? "" : std::to_string(seed), short_number(point.cost),
                        short_number(point.result), front.count(point.run));
  }
  return text;
}

}  // namespace engine
