// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"
#include "widgets/models/histogram_data.h"

#include <QWidget>

class QLabel;
class QTreeView;

namespace widgets {

class EmptyState;
class HistogramPlot;
class LayerTreeModel;

/// What two runs do to their layers: the histogram of one with the outlines of the other, and the
/// tree of the one. Lights up the layers of a difference.
class CompareEffects : public QWidget {
  Q_OBJECT

 public:
  explicit CompareEffects(QWidget* parent = nullptr);

  /// Null for either: there is nothing to show. The same two again change nothing.
  void setRuns(const ComparableRunPtr& base, const QString& base_label,
               const ComparableRunPtr& other, const QString& other_label);
  void setSelectedLayers(const QStringList& layers);
  HistogramPlot* histogram() const { return histogram_; }
  LayerTreeModel* model() const { return model_; }
  QTreeView* tree() const { return tree_; }

 Q_SIGNALS:
  void layersChosen(const QStringList& layers);  ///< by a bar or a row

 private:
  void takeRows();

  QLabel* caption_;
  HistogramPlot* histogram_;
  LayerTreeModel* model_;
  QTreeView* tree_;
  EmptyState* empty_;
  ComparableRunPtr base_, other_;
  bool is_following_ = false;  ///< the rows are being selected by the program
};

}  // namespace widgets
