// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/compare_table.h"

#include "widgets/models/comparison_filter.h"
#include "widgets/models/comparison_model.h"
#include "widgets/panels/item_views.h"
#include "widgets/style/text.h"

#include <QActionGroup>
#include <QClipboard>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QMenu>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <utility>

namespace widgets {

CompareTable::CompareTable(RunNotesPtr notes, QWidget* parent)
    : QTreeView(parent),
      notes_(std::move(notes)),
      model_(new ComparisonModel(notes_, this)),
      filter_(new ComparisonFilter(model_, this)) {
  setObjectName(QStringLiteral("compare.table"));
  setAccessibleName(tr("Runs to compare"));
  setModel(filter_);
  set_up_list(this, true);
  setAlternatingRowColors(true);
  setRootIsDecorated(false);
  setEditTriggers(EditKeyPressed);
  setSelectionMode(ExtendedSelection);
  setExpandsOnDoubleClick(false);
  setSortingEnabled(true);
  sortByColumn(0, Qt::AscendingOrder);
  setContextMenuPolicy(Qt::CustomContextMenu);
  setMinimumHeight(lines(this, 5));
  connect(this, &QTreeView::customContextMenuRequested, this, [this](const QPoint& position) {
    QMenu menu;
    fillMenu(&menu);
    menu.exec(viewport()->mapToGlobal(position));
  });
  connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& current) {
            const int run = model_->runAt(filter_->mapToSource(current));
            if (run < 0 || model_->view() == nullptr) return;
            const auto& chosen = *model_->view()->runs[static_cast<std::size_t>(run)];
            if (chosen.source == engine::RunSource::run_folder)
              Q_EMIT runChosen(qt(std::filesystem::absolute(chosen.path).string()));
          });
  connect(this, &QTreeView::doubleClicked, this, [this](const QModelIndex& index) {
    if (index.flags().testFlag(Qt::ItemIsEditable)) {
      edit(index);
      return;
    }
    const QModelIndex name = index.siblingAtColumn(0);
    const bool is_shown = name.data(Qt::CheckStateRole).toInt() == Qt::Checked;
    filter_->setData(name, is_shown ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
  });
  connect(notes_.get(), &RunNotes::changed, this, [this] {
    hideUnusedColumns();
    tellFilter();
  });
  // A reset closes all groups: they are of use when they are open.
  connect(filter_, &QAbstractItemModel::modelReset, this, &QTreeView::expandAll);
}

void CompareTable::setView(const ComparisonViewPtr& view) {
  const int columns = model_->columnCount();
  model_->setView(view);
  if (columns != model_->columnCount()) layOutColumns();
  hideUnusedColumns();
  tellFilter();
}

void CompareTable::layOutColumns() {
  header()->setStretchLastSection(false);
  for (int column = 0; column < model_->columnCount(); ++column) {
    const auto words = model_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
    const RunField field = model_->columnAt(column).field;
    const bool is_metric = field == RunField::metric || field == RunField::delta;
    const int least = is_metric && !model_->grouping().isEmpty() ? 22 : 12;  // "2.0000 ± 1.0000"
    qsizetype longest = words.size() + 3;
    for (int row = 0; field == RunField::setting && row < model_->rowCount(); ++row)
      longest = std::max(longest, model_->index(row, column).data().toString().size());
    const int wide = field == RunField::name   ? 34
                     : field == RunField::note ? 30
                                               : std::clamp<int>(int(longest) + 2, least, 26);
    header()->resizeSection(column, characters(this, wide));
  }
}

void CompareTable::hideUnusedColumns() {
  for (const RunField field : {RunField::tags, RunField::note}) {
    const int column = model_->columnOf(field);
    if (column >= 0) setColumnHidden(column, !model_->isUsed(field));
  }
}

void CompareTable::setFilterText(const QString& text) {
  filter_text_ = text;
  filter_->setText(text);
  if (!model_->grouping().isEmpty()) expandAll();
  tellFilter();
}

void CompareTable::tellFilter() {
  if (filter_->isEmpty() || model_->view() == nullptr) {
    Q_EMIT filterApplied(QString(), false);
    return;
  }
  const QString problem = filter_->problem();
  Q_EMIT filterApplied(problem.isEmpty()
                           ? tr("%1 of %2").arg(filter_->found()).arg(model_->view()->runs.size())
                           : problem,
                       !problem.isEmpty());
}

void CompareTable::setGrouping(const QString& by) {
  if (by == model_->grouping()) return;
  model_->setGrouping(by);
  setRootIsDecorated(!by.isEmpty());
  expandAll();
  layOutColumns();
  Q_EMIT groupingChanged(by);
}

void CompareTable::chooseRun(int run) {
  const QModelIndex index = filter_->mapFromSource(model_->indexOfRun(run));
  if (index.isValid()) setCurrentIndex(index);
}

std::vector<int> CompareTable::selectedRuns() const {
  std::set<int> runs;
  for (const QModelIndex& index : selectionModel()->selectedRows()) {
    const QModelIndex source = filter_->mapToSource(index);
    if (const int run = model_->runAt(source); run >= 0) runs.insert(run);
    for (int row = 0; row < model_->rowCount(source); ++row)
      runs.insert(model_->runAt(model_->index(row, 0, source)));
  }
  return {runs.begin(), runs.end()};
}

void CompareTable::setPinned(const std::vector<int>& runs, bool pinned) {
  for (const int run : runs) {
    const QString key = model_->keyOf(run);
    RunNote note = notes_->of(key);
    note.pinned = pinned;
    notes_->set(key, note);
  }
}

void CompareTable::fillMenu(QMenu* menu) {
  const std::vector<int> runs = selectedRuns();
  if (!runs.empty()) {
    auto* baseline = menu->addAction(tr("Use as &baseline"), this, [this, runs] {
      Q_EMIT baselineChosen(model_->keyOf(runs.front()));
    });
    baseline->setEnabled(runs.size() == 1);
    menu->addAction(tr("&Show only these in the charts"), this, [this, runs] {
      std::set<QString> keys;
      for (const int run : runs) keys.insert(model_->keyOf(run));
      model_->setShown(keys);
    });
    const bool are_pinned = std::all_of(runs.begin(), runs.end(), [this](int run) {
      return notes_->of(model_->keyOf(run)).pinned;
    });
    menu->addAction(are_pinned ? tr("Un&pin") : tr("&Pin to the top"), this,
                    [this, runs, are_pinned] { setPinned(runs, !are_pinned); });
    menu->addAction(tr("Edit &tags"), this, [this] { editNote(model_->columnOf(RunField::tags)); });
    menu->addAction(tr("Edit &note"), this, [this] { editNote(model_->columnOf(RunField::note)); });
    menu->addSeparator();
  }
  addGroupings(menu->addMenu(tr("&Group by")));
  const auto copy = [this](bool as_markdown) {
    QGuiApplication::clipboard()->setText(tableText(as_markdown));
  };
  menu->addAction(tr("&Copy the table"), this, [copy] { copy(false); });
  menu->addAction(tr("Copy as &Markdown"), this, [copy] { copy(true); });
}

void CompareTable::addGroupings(QMenu* menu) {
  std::vector<std::pair<QString, QString>> choices = {{QString(), tr("Nothing")},
                                                      {QStringLiteral("seeds"), tr("Seeds")},
                                                      {QStringLiteral("tags"), tr("Tags")},
                                                      {QStringLiteral("state"), tr("State")}};
  if (model_->view() != nullptr) {
    for (const auto& column : model_->view()->comparison.columns)
      choices.emplace_back(qt(column.name), qt(column.name));
  }
  auto* group = new QActionGroup(menu);
  for (const auto& [by, title] : choices) {
    auto* action = menu->addAction(title, this, [this, by = by] { setGrouping(by); });
    action->setCheckable(true);
    action->setChecked(by == model_->grouping());
    group->addAction(action);
  }
}

void CompareTable::editNote(int column) {
  setColumnHidden(column, false);
  const QModelIndex index = currentIndex().siblingAtColumn(column);
  selectionModel()->setCurrentIndex(index, QItemSelectionModel::NoUpdate);
  scrollTo(index);
  edit(index);
}

/// What is written into one of several selected rows is meant for all of them.
void CompareTable::commitData(QWidget* editor) {
  const std::vector<int> runs = selectedRuns();
  const QModelIndex edited = filter_->mapToSource(currentIndex());
  const int column = edited.column();
  const int first = model_->runAt(edited);
  QTreeView::commitData(editor);
  const QVariant words = model_->indexOfRun(first, column).data(Qt::EditRole);
  for (const int run : runs) {
    if (run != first) model_->setData(model_->indexOfRun(run, column), words, Qt::EditRole);
  }
}

QString CompareTable::tableText(bool as_markdown) const {
  const QString between = as_markdown ? QStringLiteral(" | ") : QStringLiteral("\t");
  QStringList rows;
  const auto add = [&](const QStringList& cells) {
    const QString row = cells.join(between);
    rows << (as_markdown ? QStringLiteral("| %1 |").arg(row) : row);
  };
  const auto row_of = [&](auto&& cell) {
    QStringList cells;
    for (int column = 0; column < model_->columnCount(); ++column) {
      if (isColumnHidden(column)) continue;
      QString text = cell(column);
      if (as_markdown) text.replace(QLatin1Char('|'), QStringLiteral("\\|"));
      cells << text.replace(QLatin1Char('\t'), QLatin1Char(' '));
    }
    return cells;
  };
  const QStringList titles = row_of([&](int column) {
    return filter_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
  });
  add(titles);
  if (as_markdown) add(QStringList(titles.size(), QStringLiteral("---")));
  const std::function<void(const QModelIndex&)> walk = [&](const QModelIndex& above) {
    for (int row = 0; row < filter_->rowCount(above); ++row) {
      add(row_of([&](int column) {
        return filter_->index(row, column, above).data(Qt::DisplayRole).toString();
      }));
      walk(filter_->index(row, 0, above));
    }
  };
  walk({});
  return rows.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

void CompareTable::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    QGuiApplication::clipboard()->setText(tableText(false));
    event->accept();
    return;
  }
  QTreeView::keyPressEvent(event);
}

void CompareTable::changeEvent(QEvent* event) {
  QTreeView::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) viewport()->update();
}

}  // namespace widgets
