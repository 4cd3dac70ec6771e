// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"

#include <QAbstractItemModel>
#include <QHash>
#include <QStringList>

#include <memory>
#include <vector>

namespace widgets {

/// The layers of a checkpoint as block → container → layer, each with the rule that wins it.
/// Neighbouring blocks that are alike in shape and in outcome fold into one row "layers 0–21": such
/// a row, and each row below it, stands for the layers of all of them.
class LayerTreeModel : public QAbstractItemModel {
  Q_OBJECT

 public:
  enum Column { kName, kKind, kShape, kParameters, kRule, kColumns };
  /// What the rule column says about a row.
  enum class Chip { none, rule, fallback, left_alone, not_handled, unmatched, mixed };
  enum Role {
    /// QStringList: the layers that a row stands for. An attention row means the attention itself,
    /// its projections
    /// are rows of their own; a group means all targets below it.
    kLayersRole = Qt::UserRole + 1,
    kChipRole,  ///< int(Chip)
    kRuleRole   ///< int: index of the winning rule, -1 = none or mixed
  };

  explicit LayerTreeModel(QObject* parent = nullptr);
  ~LayerTreeModel() override;

  void setView(PlanViewPtr view);
  const PlanViewPtr& view() const { return view_; }
  /// Fold alike blocks (default) or list every block.
  void setFolded(bool folded);
  bool isFolded() const { return folded_; }
  /// Norms and embeddings are not targets and hidden by default.
  void setShowsAllKinds(bool shows);

  /// The index of the row that stands for `layer`, or an invalid one.
  QModelIndex indexOf(const QString& layer) const;

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& child) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  struct Node;

  void rebuild();
  Node* nodeOf(const QModelIndex& index) const;
  QVariant display(const Node& node, int column) const;
  QString toolTip(const Node& node) const;

  PlanViewPtr view_;
  bool folded_ = true;
  bool all_kinds_ = false;
  std::unique_ptr<Node> root_;
  QHash<QString, Node*> node_of_layer_;
};

}  // namespace widgets
