// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_log_panel.h"

#include "widgets/models/run_log_filter.h"
#include "widgets/models/run_log_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace widgets {

RunLogPanel::RunLogPanel(Selection* selection, const RunStore* runs, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      runs_(runs),
      model_(new RunLogModel(this)),
      filter_(new RunLogFilter(this)),
      kind_(new QComboBox),
      search_(new QLineEdit),
      count_(new QLabel),
      follow_(new QToolButton),
      list_(new QTreeView),
      full_(new QPlainTextEdit) {
  filter_->setSourceModel(model_);
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* bar = new QHBoxLayout;
  bar->setContentsMargins(lines(this, 0.25), lines(this, 0.25), lines(this, 0.25),
                          lines(this, 0.25));
  kind_->setObjectName(QStringLiteral("log.kind"));
  kind_->setAccessibleName(tr("Lines to show"));
  kind_->setToolTip(tr("Which lines are shown"));
  kind_->addItems({tr("Everything"), tr("Warnings and errors"), tr("Errors"), tr("Events")});
  bar->addWidget(kind_);
  search_->setObjectName(QStringLiteral("log.search"));
  search_->setAccessibleName(tr("Search the log"));
  search_->setPlaceholderText(tr("Search"));
  search_->setClearButtonEnabled(true);
  bar->addWidget(search_, 1);
  count_->setObjectName(QStringLiteral("log.count"));
  bar->addSpacing(lines(this, 0.3));
  bar->addWidget(count_);
  follow_->setText(tr("Follow"));
  follow_->setObjectName(QStringLiteral("log.follow"));
  follow_->setToolTip(tr("Keep the newest line in view"));
  follow_->setAccessibleName(follow_->toolTip());
  follow_->setCheckable(true);
  follow_->setChecked(true);
  follow_->setAutoRaise(true);
  bar->addWidget(follow_);
  column->addLayout(bar);

  list_->setObjectName(QStringLiteral("log.list"));
  list_->setAccessibleName(tr("Log"));
  list_->setModel(filter_);
  set_up_list(list_);
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->header()->setStretchLastSection(true);
  list_->header()->resizeSection(RunLogModel::kTime, characters(list_, 21));
  list_->header()->resizeSection(RunLogModel::kStep, characters(list_, 9));
  list_->installEventFilter(this);
  column->addWidget(list_, 1);
  full_->setObjectName(QStringLiteral("log.full"));
  full_->setAccessibleName(tr("The chosen line in full"));
  full_->setReadOnly(true);
  full_->setFrameShape(QFrame::NoFrame);
  full_->setMaximumHeight(lines(this, 5));
  full_->hide();
  column->addWidget(full_);
  empty_ = new EmptyState(content, tr("Nothing logged yet."));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);

  connect(selection_, &Selection::runChanged, this, &RunLogPanel::refresh);
  connect(runs_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    if (folders.contains(selection_->run())) refresh();
  });
  connect(kind_, &QComboBox::currentIndexChanged, this, [this](int index) {
    filter_->setShow(static_cast<RunLogFilter::Show>(index));
    countShown();
  });
  connect(search_, &QLineEdit::textChanged, this, [this](const QString& words) {
    filter_->setWords(words);
    countShown();
  });
  connect(follow_, &QToolButton::toggled, this, &RunLogPanel::setFollowing);
  connect(list_->verticalScrollBar(), &QScrollBar::valueChanged, this, [this](int value) {
    if (!scrolling_) follow_->setChecked(value == list_->verticalScrollBar()->maximum());
  });
  connect(list_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &RunLogPanel::showChosen);
  connect(list_, &QTreeView::doubleClicked, this, &RunLogPanel::goToChosen);
}

bool RunLogPanel::isFollowing() const { return follow_->isChecked(); }

void RunLogPanel::setFollowing(bool follows) {
  if (!follows) return;
  scrolling_ = true;
  list_->scrollToBottom();
  scrolling_ = false;
}

void RunLogPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  refresh();
}

void RunLogPanel::refresh() {
  const RunRecord* run = runs_->find(selection_->run());
  const bool is_other = run != nullptr && run->folder != model_->folder();
  scrolling_ = true;
  if (run == nullptr) {
    model_->clear();
  } else {
    model_->show(run->folder, run->log);
  }
  if (is_other) follow_->setChecked(true);
  empty_->setEmpty(model_->rowCount() == 0);
  scrolling_ = false;
  countShown();
  setFollowing(isFollowing());
}

void RunLogPanel::countShown() {
  const int all = model_->rowCount();
  const int shown = filter_->rowCount();
  count_->setText(shown == all ? (all == 1 ? tr("1 line") : tr("%1 lines").arg(grouped(all)))
                               : tr("%1 of %2 lines").arg(grouped(shown), grouped(all)));
}

void RunLogPanel::showChosen() {
  const auto rows = list_->selectionModel()->selectedRows(RunLogModel::kText);
  full_->setVisible(rows.size() == 1);
  if (rows.size() == 1) {
    full_->setPlainText(model_->line(filter_->mapToSource(rows.first()).row()).text);
  }
}

void RunLogPanel::goToChosen() {
  const QModelIndex index = list_->currentIndex();
  if (!index.isValid()) return;
  const LogLine& line = model_->line(filter_->mapToSource(index).row());
  selection_->cursor()->jumpTo(static_cast<double>(line.step));
  if (!line.layer.isEmpty()) selection_->setLayers({line.layer});
}

void RunLogPanel::copyChosen() {
  auto rows = list_->selectionModel()->selectedRows(RunLogModel::kTime);
  std::sort(rows.begin(), rows.end());
  QStringList copied;
  for (const QModelIndex& row : rows) {
    QStringList cells;
    for (const int column : {RunLogModel::kTime, RunLogModel::kStep, RunLogModel::kText}) {
      cells << row.siblingAtColumn(column).data().toString();
    }
    copied << cells.join(QLatin1Char('\t'));
  }
  if (!copied.isEmpty()) QApplication::clipboard()->setText(copied.join(QLatin1Char('\n')));
}

bool RunLogPanel::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::KeyPress) {
    const auto* key = static_cast<QKeyEvent*>(event);
    if (key->matches(QKeySequence::Copy)) {
      copyChosen();
      return true;
    }
    if (key->matches(QKeySequence::Find)) {
      search_->setFocus();
      search_->selectAll();
      return true;
    }
    if (key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) {
      goToChosen();
      return true;
    }
  }
  return QWidget::eventFilter(watched, event);
}

}  // namespace widgets
