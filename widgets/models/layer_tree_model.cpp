// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_tree_model.h"

#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"

#include <QHash>

#include <algorithm>

namespace widgets {

struct LayerTreeModel::Node {
  QString name;
  Node* parent = nullptr;
  int row = 0;
  std::vector<std::unique_ptr<Node>> children;
  const engine::LayerInfo* info = nullptr;         ///< null for a group
  const engine::Assignment* assignment = nullptr;  ///< null for a group, a norm, without a plan
  QStringList layers;                              ///< see kLayersRole
  std::int64_t parameters = 0;                     ///< with everything below, of all blocks
  int blocks = 1;                                  ///< how many alike blocks are folded here
  Chip chip = Chip::none;
  int rule = -1;

  Node* child(const QString& wanted) {
    for (const auto& one : children) {
      if (one->name == wanted) return one.get();
    }
    auto added = std::make_unique<Node>();
    added->name = wanted;
    added->parent = this;
    added->row = static_cast<int>(children.size());
    children.push_back(std::move(added));
    return children.back().get();
  }
};

namespace {

using Layers = std::vector<const engine::LayerInfo*>;

QString below_block(const engine::LayerInfo& layer) {
  const QString name = QString::fromStdString(layer.name);
  const QString number = QStringLiteral(".%1.").arg(layer.block);
  const auto at = name.indexOf(number);
  return at < 0 ? name : name.mid(at + number.size());
}

bool same_outcome(const engine::Assignment* one, const engine::Assignment* other) {
  if (one == nullptr || other == nullptr) return one == other;
  return one->outcome == other->outcome && one->rule == other->rule && one->trail == other->trail &&
         one->values.same_values(other->values);
}

QString kind_text(engine::LayerKind kind) { return QString::fromLatin1(engine::to_string(kind)); }

bool is_target(engine::LayerKind kind) {
  return kind == engine::LayerKind::linear || kind == engine::LayerKind::attention;
}

}  // namespace

LayerTreeModel::LayerTreeModel(QObject* parent)
    : QAbstractItemModel(parent), root_(std::make_unique<Node>()) {}

LayerTreeModel::~LayerTreeModel() = default;

void LayerTreeModel::setView(PlanViewPtr view) {
  beginResetModel();
  view_ = std::move(view);
  rebuild();
  endResetModel();
}

void LayerTreeModel::setFolded(bool folded) {
  if (folded == folded_) return;
  beginResetModel();
  folded_ = folded;
  rebuild();
  endResetModel();
}

void LayerTreeModel::setShowsAllKinds(bool shows) {
  if (shows == all_kinds_) return;
  beginResetModel();
  all_kinds_ = shows;
  rebuild();
  endResetModel();
}

void LayerTreeModel::rebuild() {
  root_ = std::make_unique<Node>();
  node_of_layer_.clear();
  if (view_ == nullptr || view_->checkpoint == nullptr) return;

  QHash<QString, const engine::Assignment*> assignments;
  for (const auto& one : view_->plan.assignments) {
    assignments.insert(QString::fromStdString(one.layer), &one);
  }
  const auto assignment_of = [&](const engine::LayerInfo& layer) {
    return assignments.value(QString::fromStdString(layer.name), nullptr);
  };

  struct Run {
    int first_block;
    int last_block;
    std::vector<Layers> blocks;
  };
  std::vector<Run> runs;
  const auto alike = [&](const Layers& one, const Layers& other) {
    if (one.size() != other.size()) return false;
    for (std::size_t i = 0; i < one.size(); ++i) {
      if (one[i]->kind != other[i]->kind || one[i]->shape != other[i]->shape ||
          one[i]->has_bias != other[i]->has_bias ||
          below_block(*one[i]) != below_block(*other[i]) ||
          !same_outcome(assignment_of(*one[i]), assignment_of(*other[i]))) {
        return false;
      }
    }
    return true;
  };
  for (const auto& layer : view_->checkpoint->inventory.layers()) {
    const bool starts_block =
        runs.empty() || layer.block < 0 || layer.block != runs.back().last_block;
    if (starts_block) runs.push_back({layer.block, layer.block, {Layers{}}});
    runs.back().blocks.back().push_back(&layer);
  }
  if (folded_) {
    std::vector<Run> merged;
    for (auto& run : runs) {
      if (run.first_block >= 0 && !merged.empty() && merged.back().first_block >= 0 &&
          alike(merged.back().blocks.front(), run.blocks.front())) {
        merged.back().last_block = run.last_block;
        merged.back().blocks.push_back(std::move(run.blocks.front()));
      } else {
        merged.push_back(std::move(run));
      }
    }
    runs = std::move(merged);
  }

  const auto count_in = [](Node* leaf, const engine::LayerInfo& layer) {
    for (Node* node = leaf; node != nullptr; node = node->parent) {
      node->parameters += layer.parameters;
      if (!is_target(layer.kind)) continue;
      if (node == leaf || node->info == nullptr) node->layers << QString::fromStdString(layer.name);
    }
  };
  for (const auto& run : runs) {
    Node* top = root_.get();
    if (run.first_block >= 0) {
      top = root_->child(run.first_block == run.last_block
                             ? tr("layers %1").arg(run.first_block)
                             : tr("layers %1–%2").arg(run.first_block).arg(run.last_block));
      top->blocks = static_cast<int>(run.blocks.size());
    }
    for (const auto& block : run.blocks) {
      for (const auto* layer : block) {
        if (!all_kinds_ && !is_target(layer->kind)) continue;
        Node* node = top;
        if (run.first_block >= 0) {
          for (const auto& part : below_block(*layer).split(QLatin1Char('.'))) {
            node = node->child(part);
            node->blocks = top->blocks;
          }
        } else {
          node = top->child(QString::fromStdString(layer->name));
        }
        if (node->info == nullptr) {
          node->info = layer;
          node->assignment = assignment_of(*layer);
        }
        count_in(node, *layer);
        node_of_layer_.insert(QString::fromStdString(layer->name), node);
      }
    }
  }

  const auto chip_of = [this](const engine::Assignment& assignment) {
    switch (assignment.outcome) {
      case engine::Outcome::unmatched:
        return Chip::unmatched;
      case engine::Outcome::left_alone:
        return Chip::left_alone;
      case engine::Outcome::kind_not_handled:
        return Chip::not_handled;
      case engine::Outcome::transformed:
        break;
    }
    const auto* rule = view_->rule(assignment.rule);
    return rule != nullptr && rule->is_default() ? Chip::fallback : Chip::rule;
  };
  const auto settle = [&](const auto& self, Node& node) -> void {
    for (const auto& one : node.children) self(self, *one);
    if (node.info != nullptr) {
      if (node.assignment != nullptr) {
        node.chip = chip_of(*node.assignment);
        node.rule = node.assignment->rule;
      }
      return;
    }
    bool first = true;
    const auto merge = [&](const Node& below) {
      if (below.chip == Chip::none) return;
      if (first) {
        node.chip = below.chip;
        node.rule = below.rule;
        first = false;
      } else if (node.chip != below.chip || node.rule != below.rule) {
        node.chip = Chip::mixed;
        node.rule = -1;
      }
    };
    const auto visit = [&](const auto& again, const Node& below) -> void {
      merge(below);
      for (const auto& one : below.children) again(again, *one);
    };
    for (const auto& one : node.children) visit(visit, *one);
  };
  settle(settle, *root_);
}

LayerTreeModel::Node* LayerTreeModel::nodeOf(const QModelIndex& index) const {
  return index.isValid() ? static_cast<Node*>(index.internalPointer()) : root_.get();
}

QModelIndex LayerTreeModel::indexOf(const QString& layer) const {
  Node* node = node_of_layer_.value(layer, nullptr);
  return node == nullptr ? QModelIndex() : createIndex(node->row, 0, node);
}

QModelIndex LayerTreeModel::index(int row, int column, const QModelIndex& parent) const {
  if (!hasIndex(row, column, parent)) return {};
  return createIndex(row, column, nodeOf(parent)->children[static_cast<std::size_t>(row)].get());
}

QModelIndex LayerTreeModel::parent(const QModelIndex& child) const {
  if (!child.isValid()) return {};
  Node* above = nodeOf(child)->parent;
  if (above == nullptr || above == root_.get()) return {};
  return createIndex(above->row, 0, above);
}

int LayerTreeModel::rowCount(const QModelIndex& parent) const {
  if (parent.column() > 0) return 0;
  return static_cast<int>(nodeOf(parent)->children.size());
}

int LayerTreeModel::columnCount(const QModelIndex&) const { return kColumns; }

QVariant LayerTreeModel::display(const Node& node, int column) const {
  switch (column) {
    case kName:
      return node.name;
    case kKind:
      if (node.info != nullptr) return kind_text(node.info->kind);
      if (node.parent != root_.get()) return QString();
      return node.blocks > 1 ? tr("%1 blocks alike").arg(node.blocks) : tr("block");
    case kShape:
      if (node.info == nullptr) return QString();
      if (node.info->kind == engine::LayerKind::attention && node.info->shape.size() == 3) {
        return tr("%1 heads, %2 kv, of %3")
            .arg(node.info->shape[0])
            .arg(node.info->shape[1])
            .arg(node.info->shape[2]);
      }
      return shape_text(node.info->shape);
    case kParameters:
      return node.parameters == 0 ? QString() : short_count(static_cast<double>(node.parameters));
    case kRule:
      switch (node.chip) {
        case Chip::none:
          return QString();
        case Chip::rule:
          return rule_label(*view_, node.rule);
        case Chip::fallback:
          return tr("default");
        case Chip::left_alone:
          return tr("leave");
        case Chip::not_handled:
          return tr("plain");
        case Chip::unmatched:
          return tr("unmatched");
        case Chip::mixed:
          return tr("mixed");
      }
      break;
    default:
      break;
  }
  return {};
}

QString LayerTreeModel::toolTip(const Node& node) const {
  if (node.assignment != nullptr) {
    QString text = trail_text(*view_, *node.assignment);
    if (node.blocks > 1) text += tr("<br>The same in all %n blocks of this row.", "", node.blocks);
    return text;
  }
  if (node.info != nullptr) {
    const QString name = QString::fromStdString(node.info->name);
    if (!is_target(node.info->kind)) {
      return tr("%1: %2 layers are not targets").arg(name, kind_text(node.info->kind));
    }
    return name;
  }
  return tr("%n layers", "", static_cast<int>(node.layers.size()));
}

QVariant LayerTreeModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Node& node = *nodeOf(index);
  switch (role) {
    case Qt::DisplayRole:
      return display(node, index.column());
    case Qt::DecorationRole:
      if (index.column() != kName) return {};
      if (node.info == nullptr) {
        return node.parent == root_.get() ? QVariant(symbol_icon(QStringLiteral("block")))
                                          : QVariant(symbol_icon(QStringLiteral("plain")));
      }
      if (node.info->kind == engine::LayerKind::attention) {
        return symbol_icon(QStringLiteral("attention"));
      }
      return symbol_icon(node.info->kind == engine::LayerKind::linear ? QStringLiteral("linear")
                                                                      : QStringLiteral("plain"));
    case Qt::ToolTipRole:
      return toolTip(node);
    case Qt::TextAlignmentRole:
      if (index.column() == kParameters) return int(Qt::AlignRight | Qt::AlignVCenter);
      return {};
    case Qt::AccessibleTextRole:
      if (index.column() == kRule && node.chip != Chip::none) {
        return tr("%1, rule: %2").arg(node.name, display(node, kRule).toString());
      }
      return display(node, index.column());
    case kLayersRole:
      return node.layers;
    case kChipRole:
      return static_cast<int>(node.chip);
    case kRuleRole:
      return node.rule;
    default:
      return {};
  }
}

QVariant LayerTreeModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole && section == kParameters) {
    return int(Qt::AlignRight | Qt::AlignVCenter);
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case kName:
      return tr("Layer");
    case kKind:
      return tr("Kind");
    case kShape:
      return tr("Shape");
    case kParameters:
      return tr("Parameters");
    case kRule:
      return tr("Rule");
    default:
      return {};
  }
}

}  // namespace widgets
