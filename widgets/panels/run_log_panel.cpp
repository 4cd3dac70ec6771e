// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_log_panel.h"

#include "widgets/models/run_log_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/style/metrics.h"

#include <QScrollBar>
#include <QTreeView>
#include <QVBoxLayout>

namespace widgets {

RunLogPanel::RunLogPanel(Selection* selection, const RunStore* runs, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      runs_(runs),
      model_(new RunLogModel(this)),
      list_(new QTreeView) {
  list_->setObjectName(QStringLiteral("log.list"));
  list_->setAccessibleName(tr("Log"));
  list_->setModel(model_);
  set_up_list(list_);
  list_->header()->setStretchLastSection(true);
  list_->header()->resizeSection(RunLogModel::kTime, characters(list_, 11));
  list_->header()->resizeSection(RunLogModel::kStep, characters(list_, 8));
  empty_ = new EmptyState(list_, tr("Nothing logged yet."));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);
  connect(selection_, &Selection::runChanged, this, &RunLogPanel::refresh);
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_->run())) refresh();
  });
}

void RunLogPanel::refresh() {
  const RunRecord* run = runs_->find(selection_->run());
  const auto* bar = list_->verticalScrollBar();
  const bool at_end = bar->value() == bar->maximum();
  if (run == nullptr) {
    model_->clear();
  } else {
    model_->show(run->folder, run->log);
  }
  empty_->setEmpty(model_->rowCount() == 0);
  if (at_end) list_->scrollToBottom();
}

}  // namespace widgets
