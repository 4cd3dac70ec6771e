// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/problems_panel.h"

#include "widgets/models/problems_model.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/style/metrics.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QTreeView>
#include <QVBoxLayout>

namespace widgets {

ProblemsPanel::ProblemsPanel(QWidget* parent)
    : QWidget(parent), model_(new ProblemsModel(this)), list_(new QTreeView) {
  list_->setObjectName(QStringLiteral("problems.list"));
  list_->setAccessibleName(tr("Problems"));
  list_->setModel(model_);
  set_up_list(list_);
  list_->setItemDelegateForColumn(ProblemsModel::kPlace, new RowDelegate(list_, Qt::ElideMiddle));
  set_column_widths(list_, ProblemsModel::kMessage,
                    {{ProblemsModel::kRemedy, 40}, {ProblemsModel::kPlace, 28}});
  list_->setContextMenuPolicy(Qt::ActionsContextMenu);
  auto* copy = new QAction(tr("&Copy"), list_);
  copy->setShortcut(QKeySequence::Copy);
  copy->setShortcutContext(Qt::WidgetShortcut);
  list_->addAction(copy);
  connect(copy, &QAction::triggered, this, [this] {
    const QModelIndex current = list_->currentIndex();
    if (current.isValid()) {
      QApplication::clipboard()->setText(
          current.siblingAtColumn(0).data(Qt::ToolTipRole).toString());
    }
  });
  empty_ = new EmptyState(list_, tr("No problems."));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);
}

void ProblemsPanel::setProblems(const std::vector<engine::Problem>& problems) {
  model_->setProblems(problems);
  empty_->setEmpty(problems.empty());
}

}  // namespace widgets
