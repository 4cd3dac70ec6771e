// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

class QCustomPlot;
class QWidget;

namespace widgets {

/// Background, axes and grid as all charts of the program have them, from the widget's palette and
/// font.
void style_plot(QCustomPlot* plot, const QWidget* widget);

}  // namespace widgets
