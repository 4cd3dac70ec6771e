// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"

#include <QAbstractTableModel>
#include <QStringList>

#include <vector>

namespace widgets {

class RuleEditor;

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

  static const QString kRulesMime;   ///< indices of rules that are dragged
  static const QString kLayersMime;  ///< names of layers, one a line

  explicit TransformRulesModel(RuleEditor* editor = nullptr, QObject* parent = nullptr);

  /// Rows stay as they are while their number does: only what they show changes.
  void setView(PlanViewPtr view);
  /// Shows the counts of another order of the same rules while one is dragged; null ends it.
  void setPreview(PlanViewPtr preview, int from, int to);
  const PlanViewPtr& view() const { return view_; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  QStringList mimeTypes() const override;
  QMimeData* mimeData(const QModelIndexList& indexes) const override;
  Qt::DropActions supportedDropActions() const override;
  bool canDropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                       const QModelIndex& parent) const override;
  bool dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                    const QModelIndex& parent) override;

  /// Layers may be dropped on a rule, rules only between rules.
  void setTakesDropsOnRows(bool takes) { takes_drops_on_rows_ = takes; }
  int rowOf(int rule) const;  ///< -1 when there is none
  /// The rule before which a drop between the rows `row - 1` and `row` puts something.
  int ruleAtGap(int row) const;

 Q_SIGNALS:
  void ruleMoved(int to);
  void layersDropped(const QStringList& layers, int before);
  void layersDroppedOn(const QStringList& layers, int rule);

 private:
  enum class Standing { alive, partly_shadowed, dead, no_match, unknown };

  Standing standing(int rule) const;
  QString toolTip(int rule) const;
  QStringList layersWonBy(int rule) const;

  const engine::RuleCounts& counts(int rule) const;

  RuleEditor* editor_;
  PlanViewPtr view_;
  std::vector<int> order_;
  PlanViewPtr preview_;
  bool takes_drops_on_rows_ = false;
  int preview_from_ = 0;
  int preview_to_ = 0;
};

}  // namespace widgets
