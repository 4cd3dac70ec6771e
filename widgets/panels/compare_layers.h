// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QSplitter;

namespace widgets {

class LayerDifferencePlot;
class LayerHeatPlot;

/// What the layers of two ticked runs measured, side by side: dumbbells and a picture of the model.
class CompareLayers : public QWidget {
  Q_OBJECT

 public:
  explicit CompareLayers(QWidget* parent = nullptr);
  void setView(ComparisonViewPtr view);  ///< null: nothing to show

 Q_SIGNALS:
  void layersChosen(const QStringList& layers);

 private:
  void fillChoices();
  void showLayers();

  QComboBox* run_;
  QComboBox* base_;
  QComboBox* statistic_;
  QLabel* note_;
  QSplitter* plots_;
  LayerDifferencePlot* dumbbells_;
  LayerHeatPlot* heat_;
  ComparisonViewPtr view_;
};

}  // namespace widgets
