// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"

#include <QAbstractTableModel>
#include <QStringList>

#include <vector>

namespace widgets {

/// The rules in file order with what each matches, wins and loses; `default` last, whatever its
/// place in the file.
class TransformRulesModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kNumber, kPattern, kParadigm, kValues, kMatched, kWon, kShadowed, kColumns };
  enum Role {
    kRuleRole = Qt::UserRole + 1,  ///< int: index into TransformConfig::rules
    kLayersRole                    ///< QStringList: the layers it wins
  };

  using QAbstractTableModel::QAbstractTableModel;

  void setView(PlanViewPtr view);
  const PlanViewPtr& view() const { return view_; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  enum class Standing { alive, partly_shadowed, dead, no_match, unknown };

  Standing standing(int rule) const;
  QString toolTip(int rule) const;
  QStringList layersWonBy(int rule) const;

  PlanViewPtr view_;
  std::vector<int> order_;
};

}  // namespace widgets
