// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/layer_step_grid.h"
#include "widgets/plots/thinning.h"

#include <QStringList>
#include <QWidget>

class QCPColorScale;
class QCPItemStraightLine;
class QCustomPlot;

namespace widgets {

/// A statistic of all layers over the steps of a run as a picture: rows as in the tree, one colour
/// scale from the 1st to the 99th percentile, or as it was when it was locked. Hatched: nothing
/// measured; magenta: not a number. A click names layer and step; arrow keys move from there.
class LayerStepPlot : public QWidget {
  Q_OBJECT

 public:
  explicit LayerStepPlot(QWidget* parent = nullptr);

  /// Shows what the series hold now; draws only the columns that are new.
  void showSeries(const engine::LayerSeries& series, const QString& statistic,
                  const QStringList& order);
  void clear();
  void setSelectedLayers(const QStringList& layers);
  void setCursorStep(double step);  ///< NaN = none
  void setScaleLocked(bool locked);

  const LayerStepGrid& grid() const { return grid_; }
  ValueRange scale() const { return scale_range_; }
  bool isLogarithmic() const { return logarithmic_; }
  QColor colorAt(int row, int column) const;  ///< as it is drawn
  QCustomPlot* plot() const { return plot_; }

 Q_SIGNALS:
  void cellClicked(const QString& layer, double step);
  /// In words what lies under the pointer or the arrow keys; empty = nothing.
  void pointed(const QString& text);

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  class Picture;

  void applyTheme();
  void fitScale();
  void labelAxes();
  void paintColumns(int first);
  void place(int row, int column);
  QString textOf(int row, int column) const;
  void describe();

  QCustomPlot* plot_;
  Picture* picture_;  ///< owned by the plot
  QCPColorScale* scale_;
  QCPItemStraightLine* cursor_;
  LayerStepGrid grid_;
  QString statistic_;
  QStringList selected_;
  ValueRange scale_range_;
  bool logarithmic_ = false;
  bool locked_ = false;
  int row_ = -1;  ///< of the arrow keys
  int column_ = -1;
};

}  // namespace widgets
