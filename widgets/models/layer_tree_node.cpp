// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_tree_node.h"

#include <QCoreApplication>

#include <algorithm>

namespace widgets {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("LayerTree", text); }

QStringList path_below_block(const engine::LayerInfo& layer) {
  const QString name = QString::fromStdString(layer.name);
  const QString number = QStringLiteral(".%1.").arg(layer.block);
  const auto at = name.indexOf(number);
  const QString below = at < 0 ? name : name.mid(at + number.size());
  return below.split(QLatin1Char('.'));
}

/// Everything about a block's layers but the block's number, as text.
QString shape_of(const std::vector<const engine::LayerInfo*>& layers,
                 const std::vector<QStringList>& paths) {
  QString text;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    text += paths[i].join(QLatin1Char('.')) + QLatin1Char(' ') +
            QString::number(static_cast<int>(layers[i]->kind)) +
            (layers[i]->has_bias ? QLatin1Char('b') : QLatin1Char('-'));
    for (const auto size : layers[i]->shape) text += QLatin1Char('x') + QString::number(size);
    text += QLatin1Char('\n');
  }
  return text;
}

/// Values follow from rule and kind, so they need no comparison.
bool same_outcome(const engine::Assignment* one, const engine::Assignment* other) {
  if (one == nullptr || other == nullptr) return one == other;
  return one->outcome == other->outcome && one->rule == other->rule && one->trail == other->trail;
}

const engine::Assignment* find(const LayerTreeLayout::Assignments& assignments,
                               const engine::LayerInfo& layer) {
  const auto found = assignments.find(layer.name);
  return found == assignments.end() ? nullptr : found->second;
}

LayerChip chip_of(const engine::Assignment& assignment, const PlanView& view) {
  switch (assignment.outcome) {
    case engine::Outcome::unmatched:
      return LayerChip::unmatched;
    case engine::Outcome::left_alone:
      return LayerChip::left_alone;
    case engine::Outcome::kind_not_handled:
      return LayerChip::not_handled;
    case engine::Outcome::transformed:
      break;
  }
  const auto* rule = view.rule(assignment.rule);
  return rule != nullptr && rule->is_default() ? LayerChip::fallback : LayerChip::rule;
}

/// What a group shows of the rows below it, each of which already stands for all below itself.
std::pair<LayerChip, int> merged(const LayerTreeNode& node) {
  std::pair<LayerChip, int> shown{LayerChip::none, -1};
  for (const auto& one : node.children) {
    std::pair<LayerChip, int> below{one->chip, one->rule};
    if (one->info != nullptr && !one->children.empty()) {
      const auto deeper = merged(*one);
      if (deeper.first != LayerChip::none && below.first == LayerChip::none) below = deeper;
      if (deeper.first != LayerChip::none && below != deeper) below = {LayerChip::mixed, -1};
    }
    if (below.first == LayerChip::none) continue;
    if (shown.first == LayerChip::none) {
      shown = below;
    } else if (shown != below) {
      return {LayerChip::mixed, -1};
    }
  }
  return shown;
}

}  // namespace

bool is_target(engine::LayerKind kind) {
  return kind == engine::LayerKind::linear || kind == engine::LayerKind::attention;
}

LayerTreeNode* LayerTreeNode::child(const QString& wanted) {
  for (const auto& one : children) {
    if (one->name == wanted) return one.get();
  }
  auto added = std::make_unique<LayerTreeNode>();
  added->name = wanted;
  added->parent = this;
  added->row = static_cast<int>(children.size());
  children.push_back(std::move(added));
  return children.back().get();
}

LayerTreeLayout::LayerTreeLayout(std::shared_ptr<const OpenCheckpoint> checkpoint, bool all_kinds)
    : checkpoint_(std::move(checkpoint)) {
  std::vector<const engine::LayerInfo*> infos;
  std::vector<QStringList> paths;
  QHash<QString, int> shapes;
  const auto close = [&] {
    if (blocks_.empty()) return;
    const QString shape = shape_of(infos, paths);
    if (!shapes.contains(shape)) shapes.insert(shape, static_cast<int>(shapes.size()));
    blocks_.back().shape = shapes.value(shape);
    infos.clear();
    paths.clear();
  };
  for (const auto& layer : checkpoint_->inventory.layers()) {
    if (!all_kinds && !is_target(layer.kind)) continue;
    if (blocks_.empty() || layer.block < 0 || layer.block != blocks_.back().number) {
      close();
      blocks_.emplace_back().number = layer.block;
    }
    const QString name = QString::fromStdString(layer.name);
    QStringList path = layer.block < 0 ? QStringList{name} : path_below_block(layer);
    infos.push_back(&layer);
    paths.push_back(path);
    blocks_.back().leaves.push_back({&layer, name, std::move(path)});
  }
  close();
}

bool LayerTreeLayout::alike(const Block& one, const Block& other,
                            const Assignments& assignments) const {
  if (one.number < 0 || other.number < 0 || one.shape != other.shape) return false;
  for (std::size_t i = 0; i < one.leaves.size(); ++i) {
    if (!same_outcome(find(assignments, *one.leaves[i].info),
                      find(assignments, *other.leaves[i].info))) {
      return false;
    }
  }
  return true;
}

LayerTreeLayout::Ranges LayerTreeLayout::ranges(const Assignments& assignments, bool folded) const {
  Ranges ranges;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const int position = static_cast<int>(i);
    if (folded && i > 0 && alike(blocks_[i - 1], blocks_[i], assignments)) {
      ranges.back().second = position;
    } else {
      ranges.emplace_back(position, position);
    }
  }
  return ranges;
}

std::unique_ptr<LayerTreeNode> LayerTreeLayout::tree(const Ranges& ranges,
                                                     QHash<QString, LayerTreeNode*>& rows) const {
  auto root = std::make_unique<LayerTreeNode>();
  rows.clear();
  const LayerCosts& costs = checkpoint_->costs;
  for (const auto& [first, last] : ranges) {
    const Block& begin = blocks_[static_cast<std::size_t>(first)];
    const Block& end = blocks_[static_cast<std::size_t>(last)];
    LayerTreeNode* top = root.get();
    if (begin.number >= 0) {
      top = root->child(first == last ? tr("layers %1").arg(begin.number)
                                      : tr("layers %1–%2").arg(begin.number).arg(end.number));
      top->first_block = begin.number;
      top->last_block = end.number;
    }
    for (int i = first; i <= last; ++i) {
      for (const auto& leaf : blocks_[static_cast<std::size_t>(i)].leaves) {
        LayerTreeNode* node = top;
        for (const auto& part : leaf.path) {
          const QString above = node->path;
          node = node->child(part);
          if (!node->path.isEmpty()) continue;
          node->path = above.isEmpty() ? part : above + QLatin1Char('.') + part;
          node->first_block = begin.number;
          node->last_block = end.number;
        }
        if (node->info == nullptr) node->info = leaf.info;
        rows.insert(leaf.name, node);
        const auto& cost = costs.of(leaf.info->name);
        for (LayerTreeNode* above = node; above != nullptr; above = above->parent) {
          above->parameters += cost.parameters;
          above->flops += cost.flops;
          if (!is_target(leaf.info->kind)) continue;
          if (above == node || above->info == nullptr) above->layers << leaf.name;
        }
      }
    }
  }
  return root;
}

std::vector<LayerTreeNode*> settle(LayerTreeNode& root,
                                   const LayerTreeLayout::Assignments& assignments,
                                   const PlanView& view) {
  std::vector<LayerTreeNode*> changed;
  const auto visit = [&](const auto& self, LayerTreeNode& node) -> void {
    for (const auto& one : node.children) self(self, *one);
    std::pair<LayerChip, int> shown{LayerChip::none, -1};
    if (node.info != nullptr) {
      node.assignment = find(assignments, *node.info);
      if (node.assignment != nullptr) {
        shown = {chip_of(*node.assignment, view), node.assignment->rule};
      }
    } else {
      shown = merged(node);
    }
    if (shown == std::pair(node.chip, node.rule)) return;
    node.chip = shown.first;
    node.rule = shown.second;
    changed.push_back(&node);
  };
  visit(visit, root);
  return changed;
}

}  // namespace widgets
