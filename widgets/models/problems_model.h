// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"

#include <QAbstractTableModel>

#include <vector>

namespace widgets {

/// Problems with their place, what is wrong and the way out; errors first, then in the order of the
/// file.
class ProblemsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kMessage, kRemedy, kPlace, kColumns };

  using QAbstractTableModel::QAbstractTableModel;

  void setProblems(std::vector<engine::Problem> problems);
  const std::vector<engine::Problem>& problems() const { return problems_; }
  int count(engine::Severity severity) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::vector<engine::Problem> problems_;
};

}  // namespace widgets
