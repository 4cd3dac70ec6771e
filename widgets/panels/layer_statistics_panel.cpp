// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/layer_statistics_panel.h"

#include "widgets/models/layer_statistics_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/plots/layer_step_plot.h"
#include "widgets/style/elided_label.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"

#include <QButtonGroup>
#include <QComboBox>
#include <QHBoxLayout>
#include <QItemSelection>
#include <QLabel>
#include <QSignalBlocker>
#include <QSortFilterProxyModel>
#include <QStackedWidget>
#include <QToolButton>
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
      caption_(new ElidedLabel),
      show_map_(new QToolButton),
      show_table_(new QToolButton),
      statistic_(new QComboBox),
      lock_(new QToolButton),
      pages_(new QStackedWidget),
      map_(new LayerStepPlot) {
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
  column->setSpacing(0);
  auto* bar = new QHBoxLayout;
  bar->setContentsMargins(lines(this, 0.25), lines(this, 0.25), lines(this, 0.4),
                          lines(this, 0.25));
  auto* group = new QButtonGroup(this);
  show_map_->setText(tr("Map"));
  show_map_->setObjectName(QStringLiteral("layer_statistics.show_map"));
  show_map_->setToolTip(tr("One statistic of all layers over the steps"));
  show_table_->setText(tr("Table"));
  show_table_->setObjectName(QStringLiteral("layer_statistics.show_table"));
  show_table_->setToolTip(tr("All statistics as they were measured last"));
  for (auto* button : {show_map_, show_table_}) {
    button->setCheckable(true);
    button->setAutoRaise(true);
    button->setAccessibleName(button->toolTip());
    group->addButton(button);
    bar->addWidget(button);
  }
  show_map_->setChecked(true);
  bar->addSpacing(lines(this, 0.4));
  caption_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  bar->addWidget(caption_, 1);
  statistic_->setObjectName(QStringLiteral("layer_statistics.statistic"));
  statistic_->setAccessibleName(tr("Statistic of the map"));
  statistic_->setToolTip(tr("What the colours of the map mean"));
  statistic_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  bar->addWidget(statistic_);
  lock_->setText(tr("Lock scale"));
  lock_->setObjectName(QStringLiteral("layer_statistics.lock"));
  lock_->setToolTip(tr("Keep the scale of the colours as it is"));
  lock_->setAccessibleName(lock_->toolTip());
  lock_->setCheckable(true);
  lock_->setAutoRaise(true);
  bar->addWidget(lock_);
  column->addLayout(bar);
  pages_->addWidget(map_);
  pages_->addWidget(list_);
  column->addWidget(pages_, 1);
  empty_ = new EmptyState(content, tr("No layer of the selected run has measured anything yet."));
  empty_->setEmpty(true);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);

  connect(show_map_, &QToolButton::clicked, this, &LayerStatisticsPanel::showMap);
  connect(show_table_, &QToolButton::clicked, this, &LayerStatisticsPanel::showTable);
  connect(statistic_, &QComboBox::currentIndexChanged, this, [this] {
    lock_->setChecked(false);
    refresh();
  });
  connect(lock_, &QToolButton::toggled, map_, &LayerStepPlot::setScaleLocked);
  connect(map_, &LayerStepPlot::cellClicked, this, [this](const QString& layer, double step) {
    selection_->setLayers({layer});
    selection_->cursor()->jumpTo(step);
  });
  connect(map_, &LayerStepPlot::pointed, this, [this](const QString& text) {
    pointed_ = text;
    showCaption();
  });
  connect(selection_->cursor(), &StepCursor::stepChanged, map_, &LayerStepPlot::setCursorStep);
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
  const bool is_map = pages_->currentIndex() == 0;
  if (run == nullptr) {
    model_->clear();
    map_->clear();
  } else if (is_map) {
    refreshMap(*run);
  } else {
    model_->show(run->folder, run->layers);
  }
  showCaption();
  statistic_->setVisible(is_map);
  lock_->setVisible(is_map);
  empty_->setEmpty(run == nullptr || run->layers.empty());
}

void LayerStatisticsPanel::showCaption() {
  const bool is_map = pages_->currentIndex() == 0;
  caption_->setText(!is_map              ? tr("Measured at step %1").arg(grouped(model_->step()))
                    : pointed_.isEmpty() ? tr("Layers over steps; a click selects layer and step.")
                                         : pointed_);
  caption_->setToolTip(caption_->text());
  caption_->setWholeOrNothing(is_map && pointed_.isEmpty());
}

void LayerStatisticsPanel::refreshMap(const RunRecord& run) {
  QStringList known;
  for (const auto& name : run.layers.statistics()) known << QString::fromStdString(name);
  QStringList listed;
  for (int i = 0; i < statistic_->count(); ++i) listed << statistic_->itemText(i);
  if (known != listed) {
    const QString chosen = statistic_->currentText();
    const QSignalBlocker quiet(statistic_);
    statistic_->clear();
    statistic_->addItems(known);
    const auto wanted = known.contains(chosen) ? chosen : QStringLiteral("sqnr_db");
    statistic_->setCurrentIndex(std::max(0, static_cast<int>(known.indexOf(wanted))));
  }
  if (mapped_run_ != run.folder || (order_.isEmpty() && run.plan != nullptr)) {
    mapped_run_ = run.folder;
    order_.clear();
    if (run.plan != nullptr && run.plan->checkpoint != nullptr) {
      for (const auto& layer : run.plan->checkpoint->inventory.layers()) {
        order_ << QString::fromStdString(layer.name);
      }
    }
  }
  map_->showSeries(run.layers, statistic_->currentText(), order_);
}

void LayerStatisticsPanel::showMap() {
  show_map_->setChecked(true);
  pages_->setCurrentIndex(0);
  refresh();
}

void LayerStatisticsPanel::showTable() {
  show_table_->setChecked(true);
  pages_->setCurrentIndex(1);
  refresh();
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
  map_->setSelectedLayers(selection_->layers());
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
