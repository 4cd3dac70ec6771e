// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

class QCPAxis;
class QCPColorScale;
class QCPScatterStyle;
class QCustomPlot;
class QPalette;
class QWidget;

namespace widgets {

/// As many values at the axis as have room there, and no more than five steps.
void fit_ticks(QCPAxis* axis, const QWidget* widget);
/// Background, axes and grid as all charts of the program have them, from the widget's palette and
/// font.
void style_plot(QCustomPlot* plot, const QWidget* widget);
/// Makes frames cheap: lines of many points are drawn piece by piece, one picture holds all layers
/// but those that are buffered on purpose, and a queued replot waits for the next paint event, so
/// that charts beside each other are painted together.
void set_up_drawing(QCustomPlot* plot);
/// A run's shape in the colours of that palette, for the end of its curve and for points.
QCPScatterStyle look_glyph(int look, bool is_baseline, const QPalette& palette);
/// The same for the scale beside a map of colours.
void style_color_scale(QCPColorScale* scale, const QWidget* widget);

}  // namespace widgets
