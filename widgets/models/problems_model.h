// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"
#include "engine/transform/problem_fixes.h"

#include <QAbstractTableModel>
#include <QString>
#include <QTimer>

#include <functional>
#include <optional>
#include <vector>

namespace widgets {

/// Problems with their place, what is wrong and the way out; errors first, then in the order of the
/// file. What mends them is worked out while nothing else is to do, and at once when it is asked
/// for.
class ProblemsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kMessage, kRemedy, kFix, kPlace, kColumns };

  using Fixes = std::vector<engine::ProblemFix>;
  /// The fixes of a problem of the text as it is now, the usual one first.
  using Fixer = std::function<Fixes(const engine::Problem&)>;

  explicit ProblemsModel(QObject* parent = nullptr);

  void setFixer(Fixer fixer) { fixer_ = std::move(fixer); }
  /// Rows stay when nothing differs.
  void setProblems(std::vector<engine::Problem> problems);
  const engine::Problem& problem(int row) const { return at(row).problem; }
  /// Worked out now if they were not yet.
  const Fixes& fixes(int row);
  int count(engine::Severity severity) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  struct Entry {
    engine::Problem problem;
    std::optional<Fixes> fixes;  ///< of the text as it is
    QString title;               ///< of the first fix, when last worked out
  };

  const Entry& at(int row) const { return entries_[static_cast<std::size_t>(row)]; }
  void workOutOne();
  QString fixText(const Entry& entry) const;

  std::vector<Entry> entries_;
  Fixer fixer_;
  QTimer idle_;
};

}  // namespace widgets
