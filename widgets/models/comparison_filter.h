// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_condition.h"

#include <QSortFilterProxyModel>
#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace widgets {

class ComparisonModel;

/// The baseline and pinned rows first, then by column; rows whose filter fails are hidden. The
/// filter is words and comparisons, all of which must hold. A word is sought in the whole row. A
/// comparison is of a column ("state=failed", "q_levels<100") or of recorded quantities with
/// arithmetic ("eval_loss < loss + 0.1").
class ComparisonFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit ComparisonFilter(ComparisonModel* model, QObject* parent = nullptr);

  void setText(const QString& text);
  /// What is wrong with the filter, "" when nothing is: such a filter finds nothing.
  QString problem() const;
  bool isEmpty() const { return terms_.empty(); }
  /// Runs that pass, whether or not their groups are open.
  int found() const;

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

 private:
  struct Term {
    QString word;
    QString left, sign, right;  ///< of a comparison
    std::optional<engine::RunCondition> condition;
    QString problem;
  };

  static Term termOf(const QString& word);
  bool holds(int run, const Term& term) const;
  bool passes(int run) const;
  int columnNamed(const QString& title) const;
  bool isKnown(const std::string& name) const;

  ComparisonModel* model_;
  std::vector<Term> terms_;
};

}  // namespace widgets
