// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/layer_measure.h"
#include "widgets/models/layer_tree_node.h"

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
  enum Column { kName, kKind, kShape, kParameters, kFlops, kRule, kMeasure, kColumns };
  using Chip = LayerChip;
  enum Role {
    /// QStringList: the layers that a row stands for. An attention row means the attention itself,
    /// its projections
    /// are rows of their own; a group means all targets below it.
    kLayersRole = Qt::UserRole + 1,
    kChipRole,       ///< int(Chip)
    kRuleRole,       ///< int: index of the winning rule, -1 = none or mixed
    kPathRole,       ///< QString: below the block, "self_attn.q_proj"
    kBlocksRole,     ///< QPoint: first and last block, -1 outside of the blocks
    kSeverityRole,   ///< double: of the measure, 0 good, 1 bad; invalid where it is not known
    kIsDistinctRole  ///< bool: false where noise could explain the measure, or it is outdated
  };

  explicit LayerTreeModel(QObject* parent = nullptr);
  ~LayerTreeModel() override;

  /// Rows stay as they are while the same blocks fold: only what they show changes. Else the model
  /// is reset.
  void setView(PlanViewPtr view);
  const PlanViewPtr& view() const { return view_; }
  /// Fold alike blocks (default) or list every block.
  void setFolded(bool folded);
  bool isFolded() const { return folded_; }
  /// Norms and embeddings are not targets and hidden by default.
  void setShowsAllKinds(bool shows);

  /// A number for each layer in the last column; a row of several shows the worst. An empty one
  /// takes them away.
  void setMeasure(LayerMeasure measure);
  const LayerMeasure& measure() const { return measure_; }

  /// The index of the row that stands for `layer`, or an invalid one.
  QModelIndex indexOf(const QString& layer) const;

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& child) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  QStringList mimeTypes() const override;
  QMimeData* mimeData(const QModelIndexList& indexes) const override;

 private:
  using Node = LayerTreeNode;

  void relayout();
  void rebuild();
  LayerTreeLayout::Assignments assignments() const;
  Node* nodeOf(const QModelIndex& index) const;
  QModelIndex indexOf(const Node& node, int column) const;
  QVariant display(const Node& node, int column) const;
  QString toolTip(const Node& node, int column) const;
  ShownMeasure shownMeasure(const Node& node) const;
  QString measureTip(const Node& node) const;

  PlanViewPtr view_;
  LayerMeasure measure_;
  bool folded_ = true;
  bool all_kinds_ = false;
  std::unique_ptr<LayerTreeLayout> layout_;  ///< null while no checkpoint is open
  LayerTreeLayout::Ranges ranges_;
  std::unique_ptr<Node> root_;
  QHash<QString, Node*> node_of_layer_;
};

}  // namespace widgets
