// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/study_panel.h"

#include "widgets/models/run_queue.h"
#include "widgets/models/selection.h"
#include "widgets/models/study_model.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"

#include <QAction>
#include <QComboBox>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTableView>
#include <QVBoxLayout>

namespace widgets {

StudyPanel::StudyPanel(Selection* selection, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      model_(new StudyModel(this)),
      grid_(new QTableView),
      messages_(new MessageBar(this)),
      summary_(new QLabel),
      place_(new QComboBox),
      run_(new QPushButton) {
  grid_->setObjectName(QStringLiteral("study.grid"));
  grid_->setAccessibleName(tr("Runs of the study"));
  grid_->setModel(model_);
  grid_->setSelectionMode(QAbstractItemView::SingleSelection);
  grid_->setEditTriggers(QAbstractItemView::NoEditTriggers);
  grid_->setFrameShape(QFrame::NoFrame);
  grid_->setAlternatingRowColors(true);
  grid_->setShowGrid(false);
  grid_->setCornerButtonEnabled(false);
  grid_->horizontalHeader()->setHighlightSections(false);
  grid_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  grid_->horizontalHeader()->setDefaultSectionSize(characters(this, 24));
  grid_->horizontalHeader()->setStretchLastSection(true);
  grid_->verticalHeader()->setHighlightSections(false);
  grid_->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  grid_->verticalHeader()->setDefaultSectionSize(lines(this, 1.6));
  summary_->setObjectName(QStringLiteral("study.summary"));
  summary_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  place_->setObjectName(QStringLiteral("study.place"));
  place_->setAccessibleName(tr("Where the study's runs train"));
  place_->setToolTip(tr("Separate processes survive this window"));
  for (const LaunchPlace place : {LaunchPlace::separate_process, LaunchPlace::in_window}) {
    place_->addItem(place_name(place), static_cast<int>(place));
  }
  run_->setObjectName(QStringLiteral("study.run"));
  run_->setIcon(symbol_icon(QStringLiteral("run")));

  auto* content = new QWidget;
  auto* head = new QHBoxLayout;
  const int pad = lines(this, 0.4);
  head->setContentsMargins(pad, pad, pad, pad);
  head->addWidget(summary_, 1);
  head->addWidget(place_);
  head->addWidget(run_);
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addLayout(head);
  column->addWidget(grid_, 1);
  empty_ = new EmptyState(content, tr("No study is open."));
  connect(empty_->addButton(tr("Open a &study.yaml…"), QStringLiteral("open")), &QAction::triggered,
          this, &StudyPanel::openRequested);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  outer->addWidget(messages_);
  outer->addWidget(empty_, 1);

  connect(run_, &QPushButton::clicked, this, [this] { Q_EMIT runMissingRequested(place()); });
  connect(grid_, &QTableView::clicked, this, &StudyPanel::choose);
  connect(grid_, &QTableView::activated, this, &StudyPanel::choose);
  connect(selection_, &Selection::runChanged, this, [this] {
    for (int cell = 0; cell < static_cast<int>(model_->study().cells.size()); ++cell) {
      if (model_->folderOf(cell) != selection_->run()) continue;
      const int seeds = model_->columnCount() - 1;
      grid_->setCurrentIndex(model_->index(cell / seeds, cell % seeds));
    }
  });
  refresh();
}

LaunchPlace StudyPanel::place() const {
  return static_cast<LaunchPlace>(place_->currentData().toInt());
}

void StudyPanel::choose(const QModelIndex& index) {
  const int cell = model_->cellAt(index);
  if (cell < 0) return;
  const QString folder = model_->folderOf(cell);
  if (QFileInfo::exists(folder)) Q_EMIT runChosen(folder);
}

void StudyPanel::refresh() {
  const auto& view = model_->study();
  empty_->setEmpty(view.cells.empty());
  const int all = static_cast<int>(view.cells.size());
  const int missing = static_cast<int>(model_->missing().size());
  const int finished = model_->count(engine::RunState::finished);
  const QString file = QFileInfo(QString::fromStdString(view.study.file)).fileName();
  const int rest = all - finished - missing;
  QString text = tr("%1: %2 of %3 runs finished").arg(file).arg(finished).arg(all);
  if (missing > 0) text += tr(", %1 to be run").arg(missing);
  if (rest > 0) text += tr(", %1 under way or queued").arg(rest);
  summary_->setText(text);
  summary_->setToolTip(QString::fromStdString(view.study.file));
  run_->setText(missing == 1 ? tr("&Run the missing one") : tr("&Run the %1 missing").arg(missing));
  if (missing == 0) run_->setText(tr("Nothing is missing"));
  run_->setEnabled(missing > 0);
  run_->setAccessibleName(run_->text().remove(QLatin1Char('&')));
  run_->setToolTip(
      tr("Queue the runs that are missing, and those that can go on behind a "
         "checkpoint"));
  grid_->verticalHeader()->setFixedWidth(std::min(
      grid_->verticalHeader()->sizeHint().width() + characters(this, 2), characters(this, 44)));
}

}  // namespace widgets
