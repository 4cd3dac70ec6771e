// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/problems_panel.h"

#include "widgets/panels/empty_state.h"
#include "widgets/panels/fix_delegate.h"
#include "widgets/panels/item_views.h"
#include "widgets/style/metrics.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QMenu>
#include <QTreeView>
#include <QVBoxLayout>

namespace widgets {

ProblemsPanel::ProblemsPanel(QWidget* parent)
    : QWidget(parent), model_(new ProblemsModel(this)), list_(new QTreeView) {
  list_->setObjectName(QStringLiteral("problems.list"));
  list_->setAccessibleName(tr("Problems"));
  list_->setModel(model_);
  set_up_list(list_);
  list_->setMouseTracking(true);
  list_->setItemDelegateForColumn(ProblemsModel::kPlace, new RowDelegate(list_, Qt::ElideMiddle));
  list_->setItemDelegateForColumn(ProblemsModel::kFix, new FixDelegate(list_));
  set_column_widths(
      list_, ProblemsModel::kMessage,
      {{ProblemsModel::kRemedy, 34}, {ProblemsModel::kFix, 30}, {ProblemsModel::kPlace, 22}});
  list_->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(list_, &QWidget::customContextMenuRequested, this, &ProblemsPanel::showMenu);
  const auto add = [this](const char* name, const QString& text, const QKeySequence& keys,
                          auto run) {
    auto* action = new QAction(text, list_);
    action->setObjectName(QStringLiteral("problems.") + QLatin1String(name));
    action->setToolTip(QString(text).remove(QLatin1Char('&')));
    action->setShortcut(keys);
    action->setShortcutContext(Qt::WidgetShortcut);
    list_->addAction(action);
    connect(action, &QAction::triggered, this, [this, run] {
      if (list_->currentIndex().isValid()) run(list_->currentIndex().row());
    });
  };
  add("fix", tr("&Fix it"), QKeySequence(Qt::ALT | Qt::Key_Return), [this](int row) { fix(row); });
  add("go", tr("&Go to the place"), QKeySequence(Qt::Key_Return),
      [this](int row) { Q_EMIT placeRequested(model_->problem(row).place); });
  add("copy", tr("&Copy"), QKeySequence::Copy, [this](int row) {
    QApplication::clipboard()->setText(
        QString::fromStdString(engine::to_string(model_->problem(row))));
  });
  connect(list_, &QAbstractItemView::clicked, this, [this](const QModelIndex& index) {
    if (index.column() == ProblemsModel::kFix) fix(index.row());
  });
  connect(list_, &QAbstractItemView::doubleClicked, this, [this](const QModelIndex& index) {
    if (index.column() == ProblemsModel::kFix) return;
    Q_EMIT placeRequested(model_->problem(index.row()).place);
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

void ProblemsPanel::fix(int row) {
  const auto& fixes = model_->fixes(row);
  if (fixes.empty()) return;
  const engine::ProblemFix first = fixes.front();  // by value: taking it changes the list
  Q_EMIT fixRequested(first);
}

void ProblemsPanel::showMenu(const QPoint& position) {
  const QModelIndex index = list_->indexAt(position);
  if (!index.isValid()) return;
  QMenu menu(this);
  for (const auto& one : model_->fixes(index.row())) {
    menu.addAction(QString::fromStdString(one.edit.title), this,
                   [this, one] { Q_EMIT fixRequested(one); });
  }
  if (!menu.isEmpty()) menu.addSeparator();
  for (auto* action : list_->actions()) {
    if (action->objectName() != QLatin1String("problems.fix")) menu.addAction(action);
  }
  menu.exec(list_->viewport()->mapToGlobal(position));
}

void ProblemsPanel::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  list_->setColumnHidden(ProblemsModel::kRemedy, width() < characters(this, 120));
  list_->setColumnHidden(ProblemsModel::kPlace, width() < characters(this, 80));
}

}  // namespace widgets
