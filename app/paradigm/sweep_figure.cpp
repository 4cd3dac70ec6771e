// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/sweep_figure.h"

#include "engine/config/number_text.h"
#include "engine/error.h"
#include "engine/figures/svg_text.h"
#include "engine/statistics/sample_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace paradigm {
namespace {

using engine::SampleStatistics;
using engine::SweepCell;
using engine::SweepResult;

constexpr double kWidth = 640;
constexpr double kHeight = 380;
constexpr double kLeft = 64;
constexpr double kRight = 20;
constexpr double kTop = 44;
constexpr double kBottom = 52;
constexpr const char* kPlainColour = "#6b7280";
constexpr const char* kMeasuredColour = "#0f6fb8";
constexpr const char* kReferenceColour = "#c2410c";

struct Series {
  const char* colour;
  const char* name;
  double shift;  ///< in pixels, so that bars of two series do not cover each other
  std::vector<SampleStatistics> points;
};

class Figure {
 public:
  explicit Figure(const SweepResult& result) : result_(result) {
    measured_ = {kMeasuredColour, "as simulated", 0, {}};
    reference_ = {kReferenceColour, "semantics: reference", 0, {}};
    for (const SweepCell& cell : result.cells) {
      measured_.points.push_back(engine::statistics_of(cell.losses));
      if (!cell.reference_losses.empty()) {
        reference_.points.push_back(engine::statistics_of(cell.reference_losses));
      }
    }
    if (!reference_.points.empty()) {
      measured_.shift = -5;
      reference_.shift = 5;
    }
    find_extent();
  }

  std::string svg() {
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
        kWidth, kHeight);
    add_axes();
    const double y = y_of(result_.plain_loss);
    text_ += fmt::format(
        "<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"{}\" stroke-dasharray=\"6 4\" "
        "fill=\"none\"/>\n",
        kLeft, y, kWidth - kRight, kPlainColour);
    add_series(reference_);
    add_series(measured_);
    add_legend();
    return text_ + "</svg>\n";
  }

 private:
  void find_extent() {
    low_ = high_ = result_.plain_loss;
    for (const Series* series : {&measured_, &reference_}) {
      for (const SampleStatistics& point : series->points) {
        if (!std::isfinite(point.mean)) continue;
        low_ = std::min(low_, point.mean - spread_of(point));
        high_ = std::max(high_, point.mean + spread_of(point));
      }
    }
    if (!(high_ > low_)) high_ = low_ + 1;
    const double margin = 0.06 * (high_ - low_);
    low_ -= margin;
    high_ += margin;
  }

  static double spread_of(const SampleStatistics& point) {
    return std::isfinite(point.deviation) ? point.deviation : 0;
  }

  double x_of(std::size_t index) const {
    const double slot = (kWidth - kLeft - kRight) / static_cast<double>(result_.cells.size());
    return kLeft + slot * (static_cast<double>(index) + 0.5);
  }
  double y_of(double loss) const {
    return kTop + (high_ - loss) / (high_ - low_) * (kHeight - kTop - kBottom);
  }

  void add_text(double x, double y, const char* anchor, const std::string& words) {
    text_ += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"#111827\">{}</text>\n", x, y,
        anchor, engine::markup_escaped(words));
  }

  void add_axes() {
    const double step = engine::round_step(high_ - low_, 6);
    for (double loss = std::ceil(low_ / step) * step; loss <= high_; loss += step) {
      const double y = y_of(loss);
      text_ += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#e5e7eb\" fill=\"none\"/>\n",
                           kLeft, y, kWidth - kRight);
      add_text(kLeft - 8, y + 4, "end", engine::short_number(std::round(loss / step) * step));
    }
    for (std::size_t i = 0; i < result_.cells.size(); ++i) {
      add_text(x_of(i), kHeight - kBottom + 20, "middle", result_.cells[i].settings.front().value);
    }
    add_text((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", result_.axes.front().parameter);
    text_ += fmt::format(
        "<text x=\"16\" y=\"{0:.1f}\" transform=\"rotate(-90 16 {0:.1f})\" text-anchor=\"middle\" "
        "fill=\"#111827\">evaluation loss</text>\n",
        (kTop + kHeight - kBottom) / 2);
  }

  void add_series(const Series& series) {
    std::string line;
    for (std::size_t i = 0; i < series.points.size(); ++i) {
      const SampleStatistics& point = series.points[i];
      if (!std::isfinite(point.mean)) continue;
      const double x = x_of(i) + series.shift;
      line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x, y_of(point.mean));
      text_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>\n", x,
                           y_of(point.mean), series.colour);
      if (spread_of(point) == 0) continue;
      const double top = y_of(point.mean + point.deviation);
      const double bottom = y_of(point.mean - point.deviation);
      text_ += fmt::format(
          "<path d=\"M{0:.1f} {2:.1f}H{1:.1f}M{0:.1f} {3:.1f}H{1:.1f}M{4:.1f} {2:.1f}V{3:.1f}\" "
          "stroke=\"{5}\" stroke-width=\"1.5\" fill=\"none\"/>\n",
          x - 4, x + 4, top, bottom, x, series.colour);
    }
    if (line.empty()) return;
    text_ += fmt::format("<path d=\"{}\" stroke=\"{}\" stroke-opacity=\"0.6\" fill=\"none\"/>\n",
                         line, series.colour);
  }

  void add_legend() {
    double x = kLeft;
    const auto add = [&](const char* colour, const std::string& words) {
      text_ += fmt::format("<rect x=\"{:.1f}\" y=\"16\" width=\"12\" height=\"12\" fill=\"{}\"/>\n",
                           x, colour);
      add_text(x + 18, 26, "start", words);
      x += 34 + 6.6 * static_cast<double>(words.size());
    };
    add(kPlainColour, "plain");
    add(kMeasuredColour, measured_.name);
    if (!reference_.points.empty()) add(kReferenceColour, reference_.name);
    const std::size_t draws = result_.cells.front().losses.size();
    if (draws > 1) add_text(kWidth - kRight, 26, "end", fmt::format("± sd of {} draws", draws));
  }

  const SweepResult& result_;
  Series measured_;
  Series reference_;
  double low_ = 0;
  double high_ = 1;
  std::string text_;
};

}  // namespace

void check_figure(const std::string& file, const std::vector<engine::SweepAxis>& axes) {
  if (!file.ends_with(".svg")) {
    engine::fail("bad-value", {.file = "--figure"},
                 fmt::format("the figure is SVG, which the ending of {} does not say", file),
                 "Give a name that ends in .svg");
  }
  if (axes.size() == 1) return;
  engine::fail("bad-usage", {.file = "--figure"},
               fmt::format("a figure shows one swept parameter, and {} are given", axes.size()),
               "Give one --sweep, or leave --figure out and use --csv");
}

std::string svg_of(const SweepResult& result) { return Figure(result).svg(); }

}  // namespace paradigm
