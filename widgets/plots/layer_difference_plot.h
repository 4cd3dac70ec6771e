// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QWidget>

#include <vector>

class QCustomPlot;

namespace widgets {

/// One layer's statistic in two runs.
struct LayerPair {
  QString layer;
  double base = 0;
  double other = 0;
};

/// Dumbbells: per layer the value of the baseline (frame) and of the other run (filled), joined by
/// a line; the largest differences first. Clicking a row names its layer.
class LayerDifferencePlot : public QWidget {
  Q_OBJECT

 public:
  explicit LayerDifferencePlot(QWidget* parent = nullptr);

  /// `title` names the statistic, `base` and `other` the two runs.
  void setLayers(std::vector<LayerPair> layers, const QString& title, const QString& base,
                 const QString& other, int look);
  /// Layers that are drawn: the plot shows at most 40.
  int shownLayers() const { return static_cast<int>(layers_.size()); }
  QCustomPlot* plot() const { return plot_; }

 Q_SIGNALS:
  void layerClicked(const QString& layer);

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  void rebuild();

  QCustomPlot* plot_;
  std::vector<LayerPair> layers_;
  QString title_, base_, other_;
  int look_ = 0;
};

}  // namespace widgets
