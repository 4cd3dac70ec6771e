// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_store.h"

#include <QAbstractTableModel>
#include <QString>

#include <vector>

namespace widgets {

/// Messages of one run in the order they were written. Complete: nothing is cut.
class RunLogModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kTime, kStep, kText, kColumns };

  using QAbstractTableModel::QAbstractTableModel;

  /// Shows `lines`: appends what is new when it continues what is shown, else starts over.
  void show(const QString& folder, const std::vector<LogLine>& lines);
  void clear();
  const QString& folder() const { return folder_; }
  const LogLine& line(int row) const { return lines_[static_cast<std::size_t>(row)]; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QString folder_;
  std::vector<LogLine> lines_;
};

}  // namespace widgets
