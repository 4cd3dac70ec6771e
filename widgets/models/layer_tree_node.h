// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"

#include <QHash>
#include <QString>
#include <QStringList>

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace widgets {

/// What the rule column says about a row.
enum class LayerChip { none, rule, fallback, left_alone, not_handled, unmatched, mixed };

/// A row of the layer tree: a block or several alike, a container in it, or a layer.
struct LayerTreeNode {
  QString name;
  QString path;  ///< below the block: "self_attn.q_proj"; empty for a block
  LayerTreeNode* parent = nullptr;
  int row = 0;
  std::vector<std::unique_ptr<LayerTreeNode>> children;
  const engine::LayerInfo* info = nullptr;         ///< null for a group
  const engine::Assignment* assignment = nullptr;  ///< null for a group, a norm, without a plan
  QStringList layers;     ///< that the row stands for: of a group all targets below it
  double parameters = 0;  ///< with everything below, of all blocks
  double flops = 0;
  int first_block = -1;  ///< -1 outside of the blocks
  int last_block = -1;
  LayerChip chip = LayerChip::none;
  int rule = -1;  ///< that wins; -1 = none or mixed

  int blocks() const { return first_block < 0 ? 1 : last_block - first_block + 1; }
  LayerTreeNode* child(const QString& wanted);
};

bool is_target(engine::LayerKind kind);

/// The layers of a checkpoint by block, and the tree over them. Names are taken apart once for a
/// checkpoint, so that a keystroke only compares outcomes.
class LayerTreeLayout {
 public:
  /// First and last block of rows that stand for several.
  using Ranges = std::vector<std::pair<int, int>>;
  using Assignments = std::unordered_map<std::string_view, const engine::Assignment*>;

  LayerTreeLayout(std::shared_ptr<const OpenCheckpoint> checkpoint, bool all_kinds);

  /// Neighbouring blocks alike in shape and in outcome, when `folded`; else every block by itself.
  Ranges ranges(const Assignments& assignments, bool folded) const;
  /// The tree of these ranges, without outcomes; `rows` gets the row of each layer.
  std::unique_ptr<LayerTreeNode> tree(const Ranges& ranges,
                                      QHash<QString, LayerTreeNode*>& rows) const;

 private:
  struct Leaf {
    const engine::LayerInfo* info;
    QString name;
    QStringList path;
  };
  struct Block {
    int number = -1;  ///< -1: layers outside of the blocks, in their place
    int shape = 0;    ///< blocks of equal shape have equal numbers
    std::vector<Leaf> leaves;
  };

  bool alike(const Block& one, const Block& other, const Assignments& assignments) const;

  std::shared_ptr<const OpenCheckpoint> checkpoint_;
  std::vector<Block> blocks_;
};

/// Puts the outcomes of `assignments` into the tree. Returns the rows that show something else now.
std::vector<LayerTreeNode*> settle(LayerTreeNode& root,
                                   const LayerTreeLayout::Assignments& assignments,
                                   const PlanView& view);

}  // namespace widgets
