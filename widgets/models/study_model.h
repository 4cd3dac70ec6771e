// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/study/study_view.h"

#include <QAbstractTableModel>
#include <QSet>
#include <QString>

#include <vector>

namespace widgets {

/// A study as a grid: one row for each combination, one column for each seed, and what its seeds
/// came to. Each field is one run with its state. GUI thread.
class StudyModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Role { kFolderRole = Qt::UserRole + 1 };

  using QAbstractTableModel::QAbstractTableModel;

  void setStudy(engine::StudyView view);
  /// One for each cell of the study that is shown.
  void setStatuses(std::vector<engine::CellStatus> statuses);
  /// Folders of the runs that wait in the queue.
  void setQueued(const QSet<QString>& folders);

  const engine::StudyView& study() const { return view_; }
  /// The run of this field: its place among the cells; -1 = none.
  int cellAt(const QModelIndex& index) const;
  /// Absolute folder of a cell's run.
  QString folderOf(int cell) const;
  /// Cells that are missing or interrupted and do not wait already.
  std::vector<int> missing() const;
  int count(engine::RunState state) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  engine::RunState stateOf(int cell) const;
  QString textOf(int cell) const;
  QString tipOf(int cell) const;
  QString resultOf(int row) const;
  void showAll();

  engine::StudyView view_;
  std::vector<engine::CellResult> results_;  ///< one for each row
  std::vector<std::int64_t> seeds_;
  QSet<QString> queued_;
};

}  // namespace widgets
