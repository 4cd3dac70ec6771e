// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_effects.h"

#include "widgets/models/layer_tree_model.h"
#include "widgets/models/run_effect_view.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/panels/rule_chip_delegate.h"
#include "widgets/plots/histogram_plot.h"

#include <QItemSelectionModel>
#include <QLabel>
#include <QScrollArea>
#include <QSplitter>
#include <QTreeView>
#include <QVBoxLayout>

namespace widgets {

CompareEffects::CompareEffects(QWidget* parent)
    : QWidget(parent),
      caption_(new QLabel),
      histogram_(new HistogramPlot),
      model_(new LayerTreeModel(this)),
      tree_(new QTreeView) {
  caption_->setObjectName(QStringLiteral("compare.effects_caption"));
  caption_->setContentsMargins(lines(this, 0.5), lines(this, 0.3), lines(this, 0.5),
                               lines(this, 0.2));
  caption_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  tree_->setObjectName(QStringLiteral("compare.effects_tree"));
  tree_->setAccessibleName(tr("Layers of the run"));
  tree_->setModel(model_);
  set_up_list(tree_, true);
  tree_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  tree_->setItemDelegateForColumn(LayerTreeModel::kRule, new RuleChipDelegate(tree_));
  set_column_widths(tree_, LayerTreeModel::kName,
                    {{LayerTreeModel::kKind, 14}, {LayerTreeModel::kRule, 14}});
  for (const int column :
       {LayerTreeModel::kShape, LayerTreeModel::kParameters, LayerTreeModel::kFlops})
    tree_->setColumnHidden(column, true);

  auto* scroll = new QScrollArea;
  scroll->setWidget(histogram_);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setFocusPolicy(Qt::NoFocus);
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->setChildrenCollapsible(false);
  splitter->addWidget(scroll);
  splitter->addWidget(tree_);
  splitter->setSizes({2000, 3000});
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(caption_);
  column->addWidget(splitter, 1);
  empty_ = new EmptyState(content, tr("Choose a difference to see the layers it is in."));
  empty_->setEmpty(true);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);
  connect(histogram_, &HistogramPlot::layersClicked, this, &CompareEffects::layersChosen);
  connect(tree_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &CompareEffects::takeRows);
}

void CompareEffects::setRuns(const ComparableRunPtr& base, const QString& base_label,
                             const ComparableRunPtr& other, const QString& other_label) {
  if (base == base_ && other == other_) return;
  base_ = base;
  other_ = other;
  const auto view_of = [](const ComparableRunPtr& run) {
    return run == nullptr ? nullptr : plan_view_of(*run);
  };
  const PlanViewPtr before = view_of(base);
  const PlanViewPtr after = view_of(other);
  const bool has_both = before != nullptr && after != nullptr;
  empty_->setEmpty(!has_both);
  empty_->setSentence(
      base == nullptr || other == nullptr
          ? tr("Choose a difference to see the layers it is in.")
          : tr("The sizes of the model are not known: its config.json is not where the run says."));
  if (!has_both) return;
  caption_->setText(tr("%1; outlines: %2").arg(other_label, base_label));
  caption_->setToolTip(caption_->text());
  HistogramData bars = effect_histogram(*after, other->effect.infos);
  add_ghosts(bars, effect_histogram(*before, base->effect.infos), base_label,
             tr("only in %1").arg(base_label));
  histogram_->setData(std::move(bars));
  model_->setView(after);
}

void CompareEffects::setSelectedLayers(const QStringList& layers) {
  histogram_->setSelectedLayers(layers);
  if (model_->view() == nullptr) return;
  is_following_ = true;
  QItemSelection rows;
  QModelIndex first;
  for (const QString& layer : layers) {
    const QModelIndex index = model_->indexOf(layer);
    if (!index.isValid()) continue;
    if (!first.isValid()) first = index;
    for (QModelIndex above = index.parent(); above.isValid(); above = above.parent())
      tree_->expand(above);
    rows.select(index, index);
  }
  tree_->selectionModel()->select(rows,
                                  QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  if (first.isValid()) tree_->scrollTo(first);
  is_following_ = false;
}

void CompareEffects::takeRows() {
  if (is_following_) return;
  QStringList layers;
  for (const QModelIndex& index : tree_->selectionModel()->selectedRows())
    layers << index.data(LayerTreeModel::kLayersRole).toStringList();
  layers.removeDuplicates();
  if (!layers.isEmpty()) Q_EMIT layersChosen(layers);
}

}  // namespace widgets
