// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/layer_difference_plot.h"

#include <QString>
#include <QWidget>

#include <vector>

class QCustomPlot;
class QCPColorMap;
class QCPColorScale;

namespace widgets {

/// The same differences as a picture of the model: one row a block, one column a kind of layer, the
/// colour the other run's value less the baseline's, centred on 0. Cells without a value stay
/// empty.
class LayerHeatPlot : public QWidget {
  Q_OBJECT

 public:
  explicit LayerHeatPlot(QWidget* parent = nullptr);

  void setLayers(const std::vector<LayerPair>& layers, const QString& title);
  int rows() const { return rows_; }
  QStringList kinds() const { return kinds_; }
  /// NaN where there is no such layer.
  double value(int block, const QString& kind) const;

  QCustomPlot* plot() const { return plot_; }

 Q_SIGNALS:
  void layerClicked(const QString& layer);

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  void applyTheme();

  QCustomPlot* plot_;
  QCPColorMap* map_;
  QCPColorScale* scale_;
  QStringList kinds_;
  int rows_ = 0;
};

}  // namespace widgets
