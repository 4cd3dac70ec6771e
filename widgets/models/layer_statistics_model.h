// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/layer_series.h"

#include <QAbstractTableModel>
#include <QString>
#include <QStringList>

#include <cstdint>
#include <optional>
#include <vector>

namespace widgets {

/// What each layer of one run measured last: a row for each layer, a column for each statistic.
class LayerStatisticsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kLayer, kFirstStatistic };
  /// What to sort by: the place in the model for the layer, else the number.
  static constexpr int kSortRole = Qt::UserRole;

  using QAbstractTableModel::QAbstractTableModel;

  /// Keeps rows and columns, and so what is selected, when only the values are new.
  void show(const QString& folder, const engine::LayerSeries& series);
  void clear();

  /// Of the newest value shown.
  std::int64_t step() const { return step_; }
  const QString& layer(int row) const { return layers_[row]; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QString folder_;
  QStringList layers_;
  QStringList statistics_;
  std::vector<std::optional<double>> values_;  // a row of statistics for each layer
  std::int64_t step_ = 0;
};

}  // namespace widgets
