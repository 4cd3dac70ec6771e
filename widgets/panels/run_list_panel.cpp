// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_list_panel.h"

#include "widgets/models/run_list_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_controls.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QItemSelectionModel>
#include <QMenu>
#include <QTreeView>
#include <QVBoxLayout>

namespace widgets {

RunListPanel::RunListPanel(Selection* selection, RunStore* runs, RunControls* controls,
                           QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      controls_(controls),
      messages_(new MessageBar(this)),
      model_(new RunListModel(runs, this)),
      list_(new QTreeView) {
  list_->setObjectName(QStringLiteral("runs.list"));
  list_->setAccessibleName(tr("Runs"));
  list_->setModel(model_);
  set_up_list(list_);
  list_->setContextMenuPolicy(Qt::CustomContextMenu);
  set_column_widths(list_, RunListModel::kName,
                    {{RunListModel::kState, 13},
                     {RunListModel::kStep, 15},
                     {RunListModel::kLastLoss, 10},
                     {RunListModel::kBestLoss, 10},
                     {RunListModel::kStarted, 13}});
  empty_ = new EmptyState(list_, tr("No runs yet."));
  connect(empty_->addButton(tr("&Launch a run"), QStringLiteral("run")), &QAction::triggered, this,
          &RunListPanel::launchRequested);
  connect(empty_->addButton(tr("Open a run &folder…"), QStringLiteral("folder")),
          &QAction::triggered, this, &RunListPanel::openRequested);
  empty_->setEmpty(model_->rowCount() == 0);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  outer->addWidget(messages_);
  outer->addWidget(empty_, 1);

  connect(model_, &QAbstractItemModel::rowsInserted, this, [this] { empty_->setEmpty(false); });
  connect(list_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& current) {
            if (current.isValid()) {
              selection_->setRun(current.data(RunListModel::kFolderRole).toString());
            }
          });
  connect(list_, &QWidget::customContextMenuRequested, this, &RunListPanel::showMenu);
  connect(selection_, &Selection::runChanged, this, &RunListPanel::showSelection);
}

/// A run is found by its name: when that has little room, others give way.
void RunListPanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  list_->setColumnHidden(RunListModel::kStarted, width() < characters(this, 80));
  list_->setColumnHidden(RunListModel::kBestLoss, width() < characters(this, 70));
}

void RunListPanel::showSelection() {
  const QModelIndex index = model_->indexOf(selection_->run());
  if (index.isValid() && index.row() != list_->currentIndex().row()) {
    list_->setCurrentIndex(index);
  }
}

void RunListPanel::showMenu(const QPoint& at) {
  const QModelIndex index = list_->indexAt(at);
  if (!index.isValid()) return;
  list_->setCurrentIndex(index);
  auto* menu = new QMenu(list_);
  menu->setObjectName(QStringLiteral("runs.menu"));
  menu->setAttribute(Qt::WA_DeleteOnClose);
  controls_->fill(menu);
  if (!menu->isEmpty()) menu->addSeparator();
  const QString folder = selection_->run();
  auto* copy = menu->addAction(symbol_icon(QStringLiteral("copy")), tr("Copy the &path"));
  connect(copy, &QAction::triggered, menu,
          [folder] { QApplication::clipboard()->setText(folder); });
  menu->popup(list_->viewport()->mapToGlobal(at));
}

}  // namespace widgets
