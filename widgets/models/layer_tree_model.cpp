// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_tree_model.h"

#include "widgets/models/layer_names.h"
#include "widgets/models/transform_rules_model.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"

#include <QMimeData>
#include <QPoint>

#include <utility>

namespace widgets {

namespace {

QString kind_text(engine::LayerKind kind) { return QString::fromLatin1(engine::to_string(kind)); }

}  // namespace

LayerTreeModel::LayerTreeModel(QObject* parent)
    : QAbstractItemModel(parent), root_(std::make_unique<Node>()) {}

LayerTreeModel::~LayerTreeModel() = default;

LayerTreeLayout::Assignments LayerTreeModel::assignments() const {
  LayerTreeLayout::Assignments found;
  if (view_ == nullptr) return found;
  found.reserve(view_->plan.assignments.size());
  for (const auto& one : view_->plan.assignments) found.emplace(one.layer, &one);
  return found;
}

void LayerTreeModel::setView(PlanViewPtr view) {
  const bool same_layers =
      view_ != nullptr && view != nullptr && view_->checkpoint == view->checkpoint;
  // Nodes point into the view: the old one lives until they point into the new.
  const PlanViewPtr before = std::exchange(view_, std::move(view));
  if (!same_layers) {
    relayout();
    return;
  }
  if (layout_ == nullptr) return;
  const auto outcomes = assignments();
  if (layout_->ranges(outcomes, folded_) != ranges_) {
    beginResetModel();
    rebuild();
    endResetModel();
    return;
  }
  for (const Node* node : settle(*root_, outcomes, *view_)) {
    if (node != root_.get()) Q_EMIT dataChanged(indexOf(*node, kRule), indexOf(*node, kRule));
  }
}

void LayerTreeModel::setFolded(bool folded) {
  if (folded == folded_) return;
  folded_ = folded;
  beginResetModel();
  rebuild();
  endResetModel();
}

void LayerTreeModel::setShowsAllKinds(bool shows) {
  if (shows == all_kinds_) return;
  all_kinds_ = shows;
  relayout();
}

void LayerTreeModel::setMeasure(LayerMeasure measure) {
  measure_ = std::move(measure);
  Q_EMIT headerDataChanged(Qt::Horizontal, kMeasure, kMeasure);
  const auto tell = [&](const auto& self, const Node& parent) -> void {
    if (parent.children.empty()) return;
    Q_EMIT dataChanged(indexOf(*parent.children.front(), kMeasure),
                       indexOf(*parent.children.back(), kMeasure));
    for (const auto& child : parent.children) self(self, *child);
  };
  tell(tell, *root_);
}

ShownMeasure LayerTreeModel::shownMeasure(const Node& node) const {
  return worst_of(measure_, to_names(node.layers));
}

QString LayerTreeModel::measureTip(const Node& node) const {
  const ShownMeasure shown = shownMeasure(node);
  if (!shown.is_known) {
    return tr("%1: not measured. Only layers that are simulated have one.").arg(measure_.title);
  }
  QString text = tr("%1: %2").arg(measure_.title, number_text(measure_, shown.value.number));
  if (node.layers.size() > 1) {
    text += QLatin1Char('\n') + tr("The worst of %n measured layers: %1", "", shown.known)
                                    .arg(QString::fromStdString(shown.layer));
  }
  if (!shown.value.is_distinct) {
    text += QLatin1Char('\n') + tr("Not distinguishable from 0: text and noise could explain it");
  }
  if (measure_.is_outdated) text += QLatin1Char('\n') + tr("Measured before the last edit");
  return text + QLatin1Char('\n') + measure_.explanation;
}

void LayerTreeModel::relayout() {
  beginResetModel();
  layout_.reset();
  if (view_ != nullptr && view_->checkpoint != nullptr) {
    layout_ = std::make_unique<LayerTreeLayout>(view_->checkpoint, all_kinds_);
  }
  rebuild();
  endResetModel();
}

void LayerTreeModel::rebuild() {
  root_ = std::make_unique<Node>();
  node_of_layer_.clear();
  ranges_.clear();
  if (layout_ == nullptr) return;
  const auto outcomes = assignments();
  ranges_ = layout_->ranges(outcomes, folded_);
  root_ = layout_->tree(ranges_, node_of_layer_);
  settle(*root_, outcomes, *view_);
}

LayerTreeModel::Node* LayerTreeModel::nodeOf(const QModelIndex& index) const {
  return index.isValid() ? static_cast<Node*>(index.internalPointer()) : root_.get();
}

QModelIndex LayerTreeModel::indexOf(const QString& layer) const {
  Node* node = node_of_layer_.value(layer, nullptr);
  return node == nullptr ? QModelIndex() : createIndex(node->row, 0, node);
}

QModelIndex LayerTreeModel::indexOf(const Node& node, int column) const {
  return createIndex(node.row, column, const_cast<Node*>(&node));
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
      return node.blocks() > 1 ? tr("%1 blocks alike").arg(node.blocks()) : tr("block");
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
      return node.parameters == 0 ? QString() : short_count(node.parameters);
    case kFlops: {
      const double total = view_->checkpoint->costs.total().flops;
      return node.flops == 0 || total == 0 ? QString() : percent(node.flops / total);
    }
    case kMeasure: {
      if (measure_.empty() || node.layers.isEmpty()) return QString();
      const ShownMeasure shown = shownMeasure(node);
      return shown.is_known ? number_text(measure_, shown.value.number) : QStringLiteral("–");
    }
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

QString LayerTreeModel::toolTip(const Node& node, int column) const {
  if (column == kMeasure) return measure_.empty() ? QString() : measureTip(node);
  if (column == kFlops) {
    return tr("%1 of the FLOPs of a forward pass over %2 tokens")
        .arg(display(node, kFlops).toString(), grouped(view_->checkpoint->costs.sequence()));
  }
  if (node.assignment != nullptr) {
    QString text = trail_text(*view_, *node.assignment);
    if (node.blocks() > 1) {
      text += tr("<br>The same in all %n blocks of this row.", "", node.blocks());
    }
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
      return toolTip(node, index.column());
    case Qt::TextAlignmentRole:
      if (index.column() == kParameters || index.column() == kFlops || index.column() == kMeasure) {
        return int(Qt::AlignRight | Qt::AlignVCenter);
      }
      return {};
    case Qt::AccessibleTextRole:
      if (index.column() == kRule && node.chip != Chip::none) {
        return tr("%1, rule: %2").arg(node.name, display(node, kRule).toString());
      }
      if (index.column() == kMeasure && !measure_.empty()) {
        return tr("%1, %2: %3").arg(node.name, measure_.title, display(node, kMeasure).toString());
      }
      return display(node, index.column());
    case kSeverityRole: {
      if (measure_.empty()) return {};
      const ShownMeasure shown = shownMeasure(node);
      return shown.is_known ? QVariant(shown.severity) : QVariant();
    }
    case kIsDistinctRole: {
      const ShownMeasure shown = shownMeasure(node);
      return shown.is_known && shown.value.is_distinct && !measure_.is_outdated;
    }
    case kLayersRole:
      return node.layers;
    case kChipRole:
      return static_cast<int>(node.chip);
    case kRuleRole:
      return node.rule;
    case kPathRole:
      return node.path;
    case kBlocksRole:
      return QPoint(node.first_block, node.last_block);
    default:
      return {};
  }
}

QVariant LayerTreeModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole &&
      (section == kParameters || section == kFlops || section == kMeasure)) {
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
    case kFlops:
      return tr("FLOPs");
    case kRule:
      return tr("Rule");
    case kMeasure:
      return measure_.is_outdated ? tr("%1 (old)").arg(measure_.title) : measure_.title;
    default:
      return {};
  }
}

Qt::ItemFlags LayerTreeModel::flags(const QModelIndex& index) const {
  const Qt::ItemFlags flags = QAbstractItemModel::flags(index);
  return index.isValid() && !nodeOf(index)->layers.isEmpty() ? flags | Qt::ItemIsDragEnabled
                                                             : flags;
}

QStringList LayerTreeModel::mimeTypes() const { return {TransformRulesModel::kLayersMime}; }

QMimeData* LayerTreeModel::mimeData(const QModelIndexList& indexes) const {
  QStringList layers;
  for (const auto& index : indexes) {
    if (index.column() == kName) layers << nodeOf(index)->layers;
  }
  layers.removeDuplicates();
  auto* data = new QMimeData;
  data->setData(TransformRulesModel::kLayersMime, layers.join(QLatin1Char('\n')).toUtf8());
  data->setText(layers.join(QLatin1Char('\n')));
  return data;
}

}  // namespace widgets
