// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/layer_statistics_panel.h"

#include "widgets/models/layer_statistics_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"

#include <QItemSelection>
#include <QLabel>
#include <QSortFilterProxyModel>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace widgets {
namespace {

constexpr int kLayerCharacters = 34;
constexpr int kNumberCharacters = 13;

}  // namespace

LayerStatisticsPanel::LayerStatisticsPanel(Selection* selection, const RunStore* runs,
                                           QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      runs_(runs),
      model_(new LayerStatisticsModel(this)),
      sorted_(new QSortFilterProxyModel(this)),
      list_(new QTreeView),
      caption_(new QLabel) {
  sorted_->setSourceModel(model_);
  sorted_->setSortRole(LayerStatisticsModel::kSortRole);
  list_->setObjectName(QStringLiteral("layer_statistics.list"));
  list_->setAccessibleName(tr("Layer statistics"));
  list_->setModel(sorted_);
  set_up_list(list_);
  list_->setItemDelegateForColumn(LayerStatisticsModel::kLayer,
                                  new RowDelegate(list_, Qt::ElideMiddle));
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setSortingEnabled(true);
  list_->sortByColumn(LayerStatisticsModel::kLayer, Qt::AscendingOrder);
  list_->header()->setStretchLastSection(false);
  caption_->setObjectName(QStringLiteral("layer_statistics.caption"));
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  caption_->setMargin(characters(caption_, 1));
  column->addWidget(caption_);
  column->addWidget(list_);
  empty_ = new EmptyState(content, tr("No layer of the selected run has measured anything yet."));
  empty_->setEmpty(true);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);

  connect(selection_, &Selection::runChanged, this, &LayerStatisticsPanel::refresh);
  connect(selection_, &Selection::layersChanged, this, &LayerStatisticsPanel::showSelectedLayers);
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_->run())) refresh();
  });
  connect(list_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &LayerStatisticsPanel::selectLayers);
  connect(model_, &QAbstractItemModel::modelReset, this, [this] {
    auto* header = list_->header();
    for (int section = 0; section < header->count(); ++section) {
      const bool is_layer = section == LayerStatisticsModel::kLayer;
      const QString title = sorted_->headerData(section, Qt::Horizontal).toString();
      const int widest = std::max(kNumberCharacters, static_cast<int>(title.size()) + 4);
      header->resizeSection(section, characters(list_, is_layer ? kLayerCharacters : widest));
    }
    showSelectedLayers();
  });
}

void LayerStatisticsPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  refresh();
}

void LayerStatisticsPanel::refresh() {
  if (!isVisible()) return;  // hundreds of layers with a dozen numbers each
  const RunRecord* run = runs_->find(selection_->run());
  if (run == nullptr) {
    model_->clear();
  } else {
    model_->show(run->folder, run->layers);
  }
  caption_->setText(tr("Measured at step %1").arg(grouped(model_->step())));
  empty_->setEmpty(model_->rowCount() == 0);
}

void LayerStatisticsPanel::selectLayers() {
  if (follows_) return;
  QStringList layers;
  for (const QModelIndex& index : list_->selectionModel()->selectedRows()) {
    layers << model_->layer(sorted_->mapToSource(index).row());
  }
  follows_ = true;
  selection_->setLayers(layers);
  follows_ = false;
}

void LayerStatisticsPanel::showSelectedLayers() {
  if (follows_) return;
  QItemSelection rows;
  for (int row = 0; row < sorted_->rowCount(); ++row) {
    const QModelIndex index = sorted_->index(row, LayerStatisticsModel::kLayer);
    if (selection_->layers().contains(model_->layer(sorted_->mapToSource(index).row()))) {
      rows.select(index, index);
    }
  }
  follows_ = true;
  list_->selectionModel()->select(rows,
                                  QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  follows_ = false;
}

}  // namespace widgets
