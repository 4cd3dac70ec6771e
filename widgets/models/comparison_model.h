// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_groups.h"
#include "widgets/models/run_notes.h"

#include <QAbstractItemModel>
#include <QString>

#include <optional>
#include <set>
#include <vector>

namespace widgets {

/// One row per run: name with its look and a check box (shown in the charts), state, step, the
/// settings that differ, for each metric the statistic and the difference to the baseline, speed,
/// duration, newest checkpoint, and what the user says about it. Below rows of groups when grouped.
class ComparisonModel : public QAbstractItemModel {
  Q_OBJECT

 public:
  enum Role { kSortRole = Qt::UserRole + 1, kFirstRole, kTextRole };

  explicit ComparisonModel(RunNotesPtr notes, QObject* parent = nullptr);

  void setView(ComparisonViewPtr view);
  const ComparisonViewPtr& view() const { return view_; }

  /// What rows are put together by: "" (not at all), "seeds", "tags", "state", or a setting's name.
  void setGrouping(const QString& by);
  const QString& grouping() const { return grouping_; }

  const std::set<QString>& shownRuns() const { return shown_; }
  bool isShown(int run) const;
  void setShown(const std::set<QString>& keys);
  const QString& keyOf(int run) const { return keys_[static_cast<std::size_t>(run)]; }
  int baseline() const;

  /// Index of the run in the view; -1 for a group's row.
  int runAt(const QModelIndex& index) const;
  QModelIndex indexOfRun(int run, int column = 0) const;
  RunColumn columnAt(int column) const { return columns_[static_cast<std::size_t>(column)]; }
  /// -1 when there is none.
  int columnOf(RunField field) const;
  /// Any run has something to show there.
  bool isUsed(RunField field) const;

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& index) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 Q_SIGNALS:
  void shownChanged();

 private:
  void layOut();
  void regroup();
  TableRuns tableRuns() const;  ///< there must be a view
  void noteChanged(const QString& key);
  QString text(int run, RunColumn column) const;
  QVariant value(int run, RunColumn column) const;
  QVariant runData(int run, RunColumn column, int role) const;
  QVariant groupData(const RunGroup& group, RunColumn column, int role) const;
  Qt::CheckState checkState(const RunGroup& group) const;
  /// Every row there is, of groups and of runs, says it anew.
  void tellChanged(const QList<int>& roles = {});

  RunNotesPtr notes_;
  ComparisonViewPtr view_;
  std::vector<RunColumn> columns_;
  std::vector<QString> keys_;
  std::vector<RunGroup> groups_;  ///< empty: runs stand at the top
  QString grouping_;
  std::set<QString> shown_;
};

}  // namespace widgets
