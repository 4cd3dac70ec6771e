// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/plot_style.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/style/theme.h"

#include <QWidget>

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
