// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/event_marks.h"

#include "widgets/style/theme.h"

#include <QWidget>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace widgets {
namespace {

constexpr double kApart = 5;
constexpr double kReach = 5;
constexpr int kMostLines = 40;

bool has_line(MarkKind kind) {
  return kind == MarkKind::resume || kind == MarkKind::divergence || kind == MarkKind::extension;
}

QCPScatterStyle shape_of(MarkKind kind, const ThemeColors& colors) {
  const QColor quiet = blend(colors.axis_text, colors.plot_background, 0.75);
  switch (kind) {
    case MarkKind::checkpoint:
      return {QCPScatterStyle::ssSquare, quiet, quiet, 5};
    case MarkKind::evaluation:
      return {QCPScatterStyle::ssCircle, quiet, colors.plot_background, 5};
    case MarkKind::resume:
      return {QCPScatterStyle::ssTriangle, colors.axis_text, colors.axis_text, 8};
    case MarkKind::message:
      return {QCPScatterStyle::ssPlus, quiet, 6};
    case MarkKind::divergence:
      return {QCPScatterStyle::ssDiamond, colors.warning, colors.warning, 9};
    case MarkKind::extension:
      return {QCPScatterStyle::ssTriangleInverted, colors.axis_text, colors.axis_text, 8};
  }
  return {};
}

}  // namespace

EventMarks::EventMarks(QCustomPlot* plot, const QWidget* owner)
    : QCPAbstractItem(plot), owner_(owner) {
  setSelectable(false);
  setAntialiased(true);
}

void EventMarks::setMarks(std::vector<StepMark> marks) { marks_ = std::move(marks); }

std::vector<const StepMark*> EventMarks::near(double pixel) const {
  const auto* axis = parentPlot()->xAxis;
  std::vector<const StepMark*> found;
  for (const auto& mark : marks_) {
    if (std::abs(axis->coordToPixel(mark.step) - pixel) <= kReach) found.push_back(&mark);
  }
  return found;
}

const StepMark* EventMarks::next(double x, bool forward) const {
  const StepMark* found = nullptr;
  for (const auto& mark : marks_) {
    if (forward && mark.step > x) return &mark;
    if (!forward && mark.step < x) found = &mark;
  }
  return found;
}

void EventMarks::draw(QCPPainter* painter) {
  const auto& colors = theme_colors(owner_->palette());
  const auto* axis = parentPlot()->xAxis;
  const QRect rect = parentPlot()->axisRect()->rect();
  const auto range = axis->range();
  std::array<double, 6> last;
  last.fill(-std::numeric_limits<double>::infinity());
  std::vector<std::pair<double, MarkKind>> shown;
  int with_line = 0;
  for (const auto& mark : marks_) {
    if (mark.step < range.lower || mark.step > range.upper) continue;
    const double pixel = axis->coordToPixel(mark.step);
    double& before = last[static_cast<std::size_t>(mark.kind)];
    if (pixel - before < kApart) continue;
    before = pixel;
    shown.emplace_back(pixel, mark.kind);
    if (has_line(mark.kind)) ++with_line;
  }
  if (with_line <= kMostLines) {
    for (const auto& [pixel, kind] : shown) {
      if (!has_line(kind)) continue;
      const QColor ink = kind == MarkKind::divergence ? colors.warning : colors.axis_text;
      painter->setPen(QPen(blend(ink, colors.plot_background, 0.6), 0, Qt::DotLine));
      painter->drawLine(QPointF(pixel, rect.top()), QPointF(pixel, rect.bottom()));
    }
  }
  for (const auto& [pixel, kind] : shown) {
    const QCPScatterStyle shape = shape_of(kind, colors);
    shape.applyTo(painter, shape.pen());
    shape.drawShape(painter, QPointF(pixel, rect.bottom() - 6));
  }
}

}  // namespace widgets
