// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/plot_style.h"

#include "engine/figures/glyph.h"
#include "engine/figures/run_look.h"
#include "widgets/plots/custom_plot.h"
#include "widgets/style/metrics.h"
#include "widgets/style/run_look_icon.h"
#include "widgets/style/theme.h"

#include <QWidget>

#include <algorithm>

namespace widgets {

void style_plot(QCustomPlot* plot, const QWidget* widget) {
  const ThemeColors& colors = theme_colors(widget->palette());
  const QFont font = widget->font();
  plot->setBackground(colors.plot_background);
  for (auto* axis : {plot->xAxis, plot->yAxis}) {
    axis->setLabelFont(font);
    axis->setTickLabelFont(font);
    axis->setLabelColor(colors.axis_text);
    axis->setTickLabelColor(colors.axis_text);
    const QPen line(blend(colors.axis_text, colors.plot_background, 0.5), 0);
    axis->setBasePen(line);
    axis->setTickPen(line);
    axis->setSubTickPen(QPen(Qt::NoPen));
    axis->grid()->setPen(QPen(colors.grid, 0));
    axis->grid()->setZeroLinePen(QPen(colors.grid, 0));
    axis->grid()->setSubGridVisible(false);
    axis->setLabelPadding(3);
  }
}

void set_up_drawing(QCustomPlot* plot) {
  plot->setPlottingHint(QCP::phFastPolylines, true);
  plot->setPlottingHint(QCP::phImmediateRefresh, false);
  plot->layer(QStringLiteral("overlay"))->setMode(QCPLayer::lmLogical);
}

void fit_ticks(QCPAxis* axis, const QWidget* widget) {
  constexpr double kLinesATick = 2.5;
  const double room = axis->axisRect()->height() / (lines(widget, 1) * kLinesATick);
  axis->ticker()->setTickCount(std::clamp(static_cast<int>(room), 2, 5));
}

QCPScatterStyle look_glyph(int look, bool is_baseline, const QPalette& palette) {
  // QCustomPlot scales a path of its own by size / 6.
  constexpr double kSize = 9;
  const int shape = is_baseline ? engine::kBaselineShape : engine::shape_of_look(look);
  const ThemeColors& colors = theme_colors(palette);
  // Outlined, so that it stands out from lines below and from other glyphs.
  return {glyph_path(shape, 6.0 / 2), QPen(colors.plot_background, 0),
          is_baseline ? colors.baseline : colors.run(look), kSize};
}

void style_color_scale(QCPColorScale* scale, const QWidget* widget) {
  const ThemeColors& colors = theme_colors(widget->palette());
  auto* axis = scale->axis();
  axis->setLabelFont(widget->font());
  axis->setTickLabelFont(widget->font());
  axis->setLabelColor(colors.axis_text);
  axis->setTickLabelColor(colors.axis_text);
  axis->setBasePen(QPen(colors.grid, 0));
  axis->setTickPen(QPen(colors.grid, 0));
  axis->setSubTickPen(Qt::NoPen);
}

}  // namespace widgets
