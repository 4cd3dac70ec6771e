// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QAbstractTableModel>

#include <vector>

namespace widgets {

/// All values of a run at full rate: a row for each step that was logged or evaluated, the newest
/// last, a column for each metric.
class RunTableModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  using QAbstractTableModel::QAbstractTableModel;

  /// Null clears. The record must live until the next call; call again when it has grown.
  void show(const RunRecord* run);
  double step(int row) const { return steps_[static_cast<std::size_t>(row)]; }
  int rowOf(double step) const;  ///< the last row at or before it; -1 = none

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  const RunRecord* run_ = nullptr;
  std::vector<double> steps_;
};

}  // namespace widgets
