// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSize>
#include <QString>

#include <vector>

class QCustomPlot;

namespace widgets {

/// A plot of a figure and where it lies in it, in units of 1/96 inch.
struct FigurePart {
  QCustomPlot* plot = nullptr;
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

/// Writes the plots as one figure; what kind says the suffix: .svg and .pdf are drawings, .png has
/// twice the points. An empty string, or why it could not be written.
QString export_figure(const QString& file, const std::vector<FigurePart>& parts, const QSize& size);

}  // namespace widgets
