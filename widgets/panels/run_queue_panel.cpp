// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_queue_panel.h"

#include "widgets/models/run_queue.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/item_views.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QShortcut>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

namespace widgets {

RunQueuePanel::RunQueuePanel(Selection* selection, RunQueue* queue, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      queue_(queue),
      list_(new QTreeView),
      hold_(new QToolButton(this)),
      start_(new QToolButton(this)),
      remove_(new QToolButton(this)),
      continue_(new QCheckBox(tr("&Go on when a run fails"), this)),
      note_(new QLabel(this)) {
  list_->setObjectName(QStringLiteral("queue.list"));
  list_->setAccessibleName(tr("Runs that wait"));
  list_->setModel(queue_);
  set_up_list(list_);
  set_column_widths(list_, RunQueue::kWaitsFor,
                    {{RunQueue::kPosition, 3},
                     {RunQueue::kName, 20},
                     {RunQueue::kTransform, 21},
                     {RunQueue::kLength, 7},
                     {RunQueue::kPlace, 19}});
  list_->setDragDropMode(QAbstractItemView::InternalMove);
  list_->setDropIndicatorShown(true);
  list_->setDragDropOverwriteMode(false);

  const auto set_up = [](QToolButton* button, const QString& name, const QString& icon) {
    button->setObjectName(name);
    button->setIcon(symbol_icon(icon));
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setAutoRaise(true);
    button->setFocusPolicy(Qt::StrongFocus);
  };
  set_up(hold_, QStringLiteral("queue.hold"), QStringLiteral("pause"));
  hold_->setText(tr("Hold"));
  hold_->setCheckable(true);
  hold_->setToolTip(tr("Start nothing until this is released; what trains goes on"));
  set_up(start_, QStringLiteral("queue.start_now"), QStringLiteral("run"));
  start_->setText(tr("Start now"));
  start_->setToolTip(tr("Start the chosen run out of turn, beside what trains on its device"));
  set_up(remove_, QStringLiteral("queue.remove"), QStringLiteral("delete"));
  remove_->setText(tr("Remove"));
  remove_->setToolButtonStyle(Qt::ToolButtonIconOnly);
  remove_->setToolTip(tr("Take the chosen run out of the queue (Del)"));
  continue_->setObjectName(QStringLiteral("queue.continue_on_error"));
  continue_->setToolTip(tr("Otherwise the queue is held when a run fails or its process dies"));
  for (auto* button : {hold_, start_, remove_}) button->setAccessibleName(button->text());
  continue_->setAccessibleName(tr("Go on when a run fails"));
  note_->setObjectName(QStringLiteral("queue.note"));
  note_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);

  auto* content = new QWidget;
  auto* tools = new QHBoxLayout;
  const int pad = lines(this, 0.3);
  tools->setContentsMargins(pad, pad, pad, pad);
  for (QWidget* widget : std::initializer_list<QWidget*>{hold_, start_, remove_}) {
    tools->addWidget(widget);
  }
  tools->addWidget(note_, 1);
  tools->addWidget(continue_);
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addLayout(tools);
  column->addWidget(list_, 1);
  empty_ =
      new EmptyState(content, tr("Nothing waits. A launch goes here while its device is busy."));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);

  connect(hold_, &QToolButton::clicked, this, [this](bool held) { queue_->hold(held); });
  connect(continue_, &QCheckBox::clicked, queue_, &RunQueue::setContinuesOnError);
  connect(start_, &QToolButton::clicked, this, [this] { Q_EMIT startRequested(current()); });
  connect(remove_, &QToolButton::clicked, this, [this] { Q_EMIT removeRequested(current()); });
  const auto key = [this](const QKeySequence& keys, auto action) {
    auto* shortcut = new QShortcut(keys, list_);
    shortcut->setContext(Qt::WidgetShortcut);
    connect(shortcut, &QShortcut::activated, this, action);
  };
  key(QKeySequence::Delete, [this] { Q_EMIT removeRequested(current()); });
  key(QKeySequence(Qt::ALT | Qt::Key_Up), [this] { moveBy(-1); });
  key(QKeySequence(Qt::ALT | Qt::Key_Down), [this] { moveBy(1); });
  connect(queue_, &RunQueue::changed, this, &RunQueuePanel::refresh);
  connect(list_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& index) {
            if (index.isValid()) selection_->setRun(current());
            refresh();
          });
  refresh();
}

QString RunQueuePanel::current() const {
  return list_->currentIndex().data(RunQueue::kFolderRole).toString();
}

void RunQueuePanel::moveBy(int rows) {
  const int from = list_->currentIndex().row();
  const int to = from + rows;
  if (from < 0 || to < 0 || to >= queue_->rowCount()) return;
  queue_->move(from, rows > 0 ? to + 1 : to);
}

void RunQueuePanel::refresh() {
  empty_->setEmpty(queue_->isEmpty() && !queue_->isHeld());
  hold_->setChecked(queue_->isHeld());
  continue_->setChecked(queue_->continuesOnError());
  const bool has_current = !current().isEmpty();
  start_->setEnabled(has_current);
  remove_->setEnabled(has_current);
  QString note;
  if (queue_->isHeld()) {
    note = queue_->whyHeld().isEmpty() ? tr("The queue is held.")
                                       : tr("The queue is held: %1.").arg(queue_->whyHeld());
  }
  note_->setText(note);
  note_->setToolTip(note);
  QPalette shades = palette();
  shades.setColor(QPalette::WindowText, theme_colors(palette()).warning);
  note_->setPalette(shades);
}

}  // namespace widgets
