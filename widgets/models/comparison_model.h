// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/comparison_view.h"

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>
#include <QString>

#include <memory>
#include <set>
#include <vector>

namespace widgets {

/// One row per run: name with its colour and a check box (shown in the charts), state, step, the
/// settings that differ, and for each metric the statistic and the difference to the baseline.
class ComparisonModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kName, kState, kStep, kFirstSetting };
  enum Role { kSortRole = Qt::UserRole + 1, kPinnedRole, kFirstRole, kTextRole };

  using QAbstractTableModel::QAbstractTableModel;

  void setView(ComparisonViewPtr view);
  const ComparisonViewPtr& view() const { return view_; }

  const std::set<QString>& shownRuns() const { return shown_; }
  bool isShown(int row) const;
  void setShown(const std::set<QString>& keys);
  void setPinned(int row, bool pinned);
  int baseline() const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 Q_SIGNALS:
  void shownChanged();

 private:
  int settings() const;
  QVariant text(int row, int column) const;
  QVariant sortValue(int row, int column) const;

  ComparisonViewPtr view_;
  std::vector<QString> keys_;
  std::set<QString> shown_;
  std::set<QString> pinned_;
};

/// The baseline and pinned rows first, then by column; rows whose filter fails are hidden. The
/// filter is words with blanks between: "eval_loss<2.3", "q_levels=64" and ">" compare with a
/// column, other words are sought in the whole row. All must hold.
class ComparisonFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  using QSortFilterProxyModel::QSortFilterProxyModel;
  void setText(const QString& text);

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

 private:
  bool holds(int row, const QString& word) const;

  QStringList words_;
};

}  // namespace widgets
