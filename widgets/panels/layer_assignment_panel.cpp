// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/layer_assignment_panel.h"

#include "widgets/models/layer_tree_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/panels/measure_delegate.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/rule_chip_delegate.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"

#include <QAction>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QItemSelectionModel>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QRegularExpression>
#include <QSet>
#include <QSortFilterProxyModel>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace widgets {
namespace {

constexpr int kMeasureCharacters = 18;

}  // namespace

LayerAssignmentPanel::LayerAssignmentPanel(Selection* selection, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      model_(new LayerTreeModel(this)),
      proxy_(new QSortFilterProxyModel(this)),
      messages_(new MessageBar(this)),
      filter_(new QLineEdit),
      tree_(new QTreeView),
      summary_(new QLabel),
      found_(new QLabel) {
  proxy_->setSourceModel(model_);
  proxy_->setRecursiveFilteringEnabled(true);
  proxy_->setAutoAcceptChildRows(true);
  proxy_->setFilterCaseSensitivity(Qt::CaseInsensitive);
  proxy_->setFilterKeyColumn(LayerTreeModel::kName);

  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(lines(this, 0.25));
  auto* bar = new QHBoxLayout;
  bar->setContentsMargins(lines(this, 0.25), lines(this, 0.25), lines(this, 0.25), 0);
  filter_->setObjectName(QStringLiteral("layers.filter"));
  filter_->setPlaceholderText(tr("Filter layers"));
  filter_->setAccessibleName(tr("Filter layers"));
  filter_->setToolTip(
      tr("Shows the layers whose name holds this text, or matches it as a regular expression"));
  filter_->setClearButtonEnabled(true);
  filter_->addAction(symbol_icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
  bar->addWidget(filter_, 1);
  found_->setObjectName(QStringLiteral("layers.found"));
  bar->addWidget(found_);
  auto* options = new QToolButton;
  options->setIcon(symbol_icon(QStringLiteral("edit")));
  options->setAutoRaise(true);
  options->setPopupMode(QToolButton::InstantPopup);
  options->setToolTip(tr("What the tree shows"));
  options->setAccessibleName(tr("What the tree shows"));
  auto* menu = new QMenu(options);
  auto* fold = menu->addAction(tr("&Fold blocks that are alike"));
  fold->setCheckable(true);
  fold->setChecked(true);
  auto* kinds = menu->addAction(tr("Show &norms and embeddings"));
  kinds->setCheckable(true);
  options->setMenu(menu);
  bar->addWidget(options);
  column->addLayout(bar);

  tree_->setObjectName(QStringLiteral("layers.tree"));
  tree_->setAccessibleName(tr("Layers"));
  tree_->setModel(proxy_);
  set_up_list(tree_, true);
  tree_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  tree_->setDragEnabled(true);
  tree_->setDragDropMode(QAbstractItemView::DragOnly);
  tree_->setContextMenuPolicy(Qt::ActionsContextMenu);
  makeActions();
  tree_->setItemDelegateForColumn(LayerTreeModel::kRule, new RuleChipDelegate(tree_));
  tree_->setItemDelegateForColumn(LayerTreeModel::kMeasure, new MeasureDelegate(tree_));
  set_column_widths(tree_, LayerTreeModel::kName,
                    {{LayerTreeModel::kKind, 16},
                     {LayerTreeModel::kShape, 22},
                     {LayerTreeModel::kParameters, 12},
                     {LayerTreeModel::kFlops, 9},
                     {LayerTreeModel::kRule, 13},
                     {LayerTreeModel::kMeasure, kMeasureCharacters}});
  tree_->setColumnHidden(LayerTreeModel::kMeasure, true);
  column->addWidget(tree_, 1);
  summary_->setContentsMargins(lines(this, 0.4), 0, 0, lines(this, 0.25));
  column->addWidget(summary_);

  empty_ = new EmptyState(content, tr("Open a checkpoint to see its layers."));
  connect(empty_->addButton(tr("&Open a checkpoint…"), QStringLiteral("open")), &QAction::triggered,
          this, &LayerAssignmentPanel::openRequested);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  outer->addWidget(messages_);
  outer->addWidget(empty_, 1);

  connect(filter_, &QLineEdit::textChanged, this,
          [this](const QString& text) { showFiltered(text); });
  connect(fold, &QAction::toggled, model_, &LayerTreeModel::setFolded);
  connect(kinds, &QAction::toggled, model_, &LayerTreeModel::setShowsAllKinds);
  connect(model_, &QAbstractItemModel::modelAboutToBeReset, this,
          &LayerAssignmentPanel::rememberOpenRows);
  connect(proxy_, &QAbstractItemModel::modelReset, this, [this] {
    was_reset_ = true;
    openRows();
    showSelection();
  });
  connect(tree_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &LayerAssignmentPanel::takeSelection);
  connect(selection_, &Selection::layersChanged, this, &LayerAssignmentPanel::showSelection);
}

void LayerAssignmentPanel::makeActions() {
  const auto add = [this](const char* name, const QString& text, const QString& tip,
                          const QKeySequence& keys) {
    auto* action = new QAction(text, tree_);
    action->setObjectName(QStringLiteral("layers.") + QLatin1String(name));
    action->setToolTip(QStringLiteral("%1 (%2)").arg(tip, keys.toString(QKeySequence::NativeText)));
    action->setShortcut(keys);
    action->setShortcutContext(Qt::WidgetShortcut);
    tree_->addAction(action);
    return action;
  };
  connect(add("make_rule", tr("&Make a rule of these layers"),
              tr("Write a pattern that matches exactly the selected layers"),
              QKeySequence(Qt::Key_Return)),
          &QAction::triggered, this, &LayerAssignmentPanel::makeRuleRequested);
  connect(add("siblings", tr("Select all of this &kind"),
              tr("Select the layers of the same name in every block"), QKeySequence::SelectAll),
          &QAction::triggered, this, &LayerAssignmentPanel::addSiblings);
}

void LayerAssignmentPanel::addSiblings() {
  const QModelIndex current = tree_->currentIndex();
  if (!current.isValid() || model_->view()->checkpoint == nullptr) return;
  const QString path = current.data(LayerTreeModel::kPathRole).toString();
  QStringList layers;
  const auto collect = [&](const auto& self, const QModelIndex& parent) -> void {
    for (int row = 0; row < model_->rowCount(parent); ++row) {
      const QModelIndex index = model_->index(row, 0, parent);
      if (index.data(LayerTreeModel::kPathRole).toString() == path) {
        layers << index.data(LayerTreeModel::kLayersRole).toStringList();
      }
      self(self, index);
    }
  };
  collect(collect, {});
  selection_->setLayers(layers);
}

void LayerAssignmentPanel::rememberOpenRows() {
  open_rows_.clear();
  const auto collect = [&](const auto& self, const QModelIndex& parent) -> void {
    for (int row = 0; row < proxy_->rowCount(parent); ++row) {
      const QModelIndex index = proxy_->index(row, 0, parent);
      if (!tree_->isExpanded(index)) continue;
      open_rows_.append({index.data(LayerTreeModel::kPathRole).toString(),
                         index.data(LayerTreeModel::kBlocksRole).toPoint()});
      self(self, index);
    }
  };
  collect(collect, {});
}

void LayerAssignmentPanel::openRows() {
  const auto open = [&](const auto& self, const QModelIndex& parent) -> void {
    for (int row = 0; row < proxy_->rowCount(parent); ++row) {
      const QModelIndex index = proxy_->index(row, 0, parent);
      const QString path = index.data(LayerTreeModel::kPathRole).toString();
      const QPoint blocks = index.data(LayerTreeModel::kBlocksRole).toPoint();
      const bool was_open = std::any_of(open_rows_.begin(), open_rows_.end(), [&](const auto& one) {
        return one.first == path && one.second.x() <= blocks.y() && blocks.x() <= one.second.y();
      });
      if (!was_open) continue;
      tree_->expand(index);
      self(self, index);
    }
  };
  open(open, {});
}

void LayerAssignmentPanel::showFiltered(const QString& text) {
  const QRegularExpression pattern(text, QRegularExpression::CaseInsensitiveOption);
  if (pattern.isValid()) {
    proxy_->setFilterRegularExpression(pattern);
  } else {
    proxy_->setFilterFixedString(text);
  }
  if (!text.isEmpty()) tree_->expandAll();
  int rows = 0;
  const auto count = [&](const auto& self, const QModelIndex& parent) -> void {
    for (int row = 0; row < proxy_->rowCount(parent); ++row) {
      const QModelIndex index = proxy_->index(row, 0, parent);
      if (proxy_->rowCount(index) == 0) {
        rows += static_cast<int>(index.data(LayerTreeModel::kLayersRole).toStringList().size());
      }
      self(self, index);
    }
  };
  if (!text.isEmpty()) count(count, {});
  found_->setText(text.isEmpty() ? QString()
                  : rows == 1    ? tr("1 layer")
                                 : tr("%1 layers").arg(rows));
  showSelection();
}

void LayerAssignmentPanel::setView(PlanViewPtr view) {
  const bool other_checkpoint =
      model_->view() == nullptr || model_->view()->checkpoint != view->checkpoint;
  following_ = true;
  was_reset_ = false;
  model_->setView(view);
  following_ = false;
  if (was_reset_ && !other_checkpoint) showSelection();
  empty_->setEmpty(view->checkpoint == nullptr);
  if (!other_checkpoint) return;
  if (view->checkpoint != nullptr) {
    tree_->expandToDepth(model_->rowCount() <= 12 ? 1 : 0);
  }
  updateSummary();
  showSelection();
}

void LayerAssignmentPanel::setLoading(const QString& folder) {
  empty_->setSentence(folder.isEmpty() ? tr("Open a checkpoint to see its layers.")
                                       : tr("Reading %1 …").arg(QFileInfo(folder).fileName()));
}

void LayerAssignmentPanel::focusFilter() {
  filter_->setFocus(Qt::ShortcutFocusReason);
  filter_->selectAll();
}

void LayerAssignmentPanel::setMeasure(LayerMeasure measure) {
  model_->setMeasure(std::move(measure));
  showColumns();
}

void LayerAssignmentPanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  showColumns();
}

void LayerAssignmentPanel::showColumns() {
  const bool has_measure = !model_->measure().empty();
  const int room = width() - (has_measure ? characters(this, kMeasureCharacters) : 0);
  tree_->setColumnHidden(LayerTreeModel::kMeasure, !has_measure);
  tree_->setColumnHidden(LayerTreeModel::kKind, room < characters(this, 94));
  tree_->setColumnHidden(LayerTreeModel::kShape, room < characters(this, 76));
  tree_->setColumnHidden(LayerTreeModel::kParameters, room < characters(this, 64));
  tree_->setColumnHidden(LayerTreeModel::kFlops, room < characters(this, 46));
}

void LayerAssignmentPanel::updateSummary() {
  const auto& view = model_->view();
  if (view == nullptr || view->checkpoint == nullptr) return;
  const auto& config = view->checkpoint->config;
  QString text = tr("%1 · %2 parameters · %3 blocks · %4")
                     .arg(QFileInfo(view->checkpoint->folder).fileName(),
                          short_count(static_cast<double>(config.total_parameters())))
                     .arg(config.num_hidden_layers)
                     .arg(QString::fromStdString(config.torch_dtype));
  summary_->setText(text);
  summary_->setToolTip(view->checkpoint->folder);
}

void LayerAssignmentPanel::takeSelection() {
  if (following_) return;
  QStringList layers;
  QSet<QString> seen;
  for (const auto& index : tree_->selectionModel()->selectedRows()) {
    for (const auto& layer : index.data(LayerTreeModel::kLayersRole).toStringList()) {
      if (seen.contains(layer)) continue;
      seen.insert(layer);
      layers << layer;
    }
  }
  following_ = true;
  selection_->setLayers(layers);
  following_ = false;
}

void LayerAssignmentPanel::showSelection() {
  if (following_) return;
  following_ = true;
  QItemSelection rows;
  QModelIndex first;
  for (const auto& layer : selection_->layers()) {
    const QModelIndex index = proxy_->mapFromSource(model_->indexOf(layer));
    if (!index.isValid() || rows.contains(index)) continue;
    rows.select(index, index);
    if (!first.isValid()) first = index;
    for (QModelIndex above = index.parent(); above.isValid(); above = above.parent()) {
      tree_->expand(above);
    }
  }
  tree_->selectionModel()->select(rows,
                                  QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  if (first.isValid()) tree_->scrollTo(first);
  following_ = false;
}

}  // namespace widgets
