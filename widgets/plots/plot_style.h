// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

class QCPColorScale;
class QCustomPlot;
class QWidget;

namespace widgets {

/// Background, axes and grid as all charts of the program have them, from the widget's palette and
/// font.
void style_plot(QCustomPlot* plot, const QWidget* widget);
/// The same for the scale beside a map of colours.
void style_color_scale(QCPColorScale* scale, const QWidget* widget);

}  // namespace widgets
