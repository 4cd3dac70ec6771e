// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_model.h"

#include "widgets/style/run_look_icon.h"
#include "widgets/style/text.h"

#include <QFont>
#include <QGuiApplication>

#include <algorithm>
#include <utility>

namespace widgets {
namespace {

constexpr quintptr kTop = 0;  ///< internal id of rows at the top; a run below group i has i + 1

}  // namespace

ComparisonModel::ComparisonModel(RunNotesPtr notes, QObject* parent)
    : QAbstractItemModel(parent), notes_(std::move(notes)) {
  connect(notes_.get(), &RunNotes::changed, this, &ComparisonModel::noteChanged);
}

void ComparisonModel::setView(ComparisonViewPtr view) {
  std::vector<QString> keys;
  for (const ComparableRunPtr& run : view->runs) keys.push_back(run_key(*run));
  const bool is_same_shape = view_ != nullptr && keys == keys_ &&
                             view->comparison.columns.size() == view_->comparison.columns.size() &&
                             view->comparison.options.metrics == view_->comparison.options.metrics;
  if (is_same_shape) {
    // A live update must not take selection and scroll position away.
    view_ = std::move(view);
    const std::vector<RunGroup> before = groups_;
    regroup();
    if (groups_ == before) {
      tellChanged();
      Q_EMIT headerDataChanged(Qt::Horizontal, 0, columnCount() - 1);
      return;
    }
    groups_ = before;  // a run has gone to another group: nothing changes before it is announced
    beginResetModel();
    regroup();
    endResetModel();
    return;
  }
  beginResetModel();
  view_ = std::move(view);
  keys_ = std::move(keys);
  layOut();
  endResetModel();
}

void ComparisonModel::layOut() {
  columns_ = {{RunField::name}, {RunField::state}, {RunField::step}};
  for (std::size_t i = 0; i < view_->comparison.columns.size(); ++i)
    columns_.push_back({RunField::setting, i});
  for (std::size_t i = 0; i < view_->comparison.options.metrics.size(); ++i) {
    columns_.push_back({RunField::metric, i});
    columns_.push_back({RunField::delta, i});
  }
  for (const RunField field :
       {RunField::speed, RunField::duration, RunField::checkpoint, RunField::tags, RunField::note})
    columns_.push_back({field});
  regroup();
}

TableRuns ComparisonModel::tableRuns() const { return {*view_, keys_, *notes_}; }

void ComparisonModel::regroup() {
  groups_.clear();
  if (!grouping_.isEmpty() && view_ != nullptr) groups_ = run_groups(tableRuns(), grouping_);
}

void ComparisonModel::setGrouping(const QString& by) {
  if (by == grouping_) return;
  beginResetModel();
  grouping_ = by;
  regroup();
  endResetModel();
}

bool ComparisonModel::isShown(int run) const { return shown_.count(keyOf(run)) > 0; }

void ComparisonModel::setShown(const std::set<QString>& keys) {
  if (keys == shown_) return;
  shown_ = keys;
  tellChanged({Qt::CheckStateRole});
  Q_EMIT shownChanged();
}

void ComparisonModel::tellChanged(const QList<int>& roles) {
  const auto tell = [&](const QModelIndex& above) {
    if (const int rows = rowCount(above); rows > 0)
      Q_EMIT dataChanged(index(0, 0, above), index(rows - 1, columnCount() - 1, above), roles);
  };
  tell({});
  for (int i = 0; i < int(groups_.size()); ++i) tell(index(i, 0));
}

void ComparisonModel::noteChanged(const QString& key) {
  for (int run = 0; run < int(keys_.size()); ++run) {
    if (keyOf(run) == key) Q_EMIT dataChanged(indexOfRun(run), indexOfRun(run, columnCount() - 1));
  }
  if (grouping_ != QLatin1String("tags")) return;
  beginResetModel();
  regroup();
  endResetModel();
}

int ComparisonModel::baseline() const {
  return view_ == nullptr ? -1 : static_cast<int>(view_->comparison.options.baseline);
}

int ComparisonModel::runAt(const QModelIndex& index) const {
  if (!index.isValid()) return -1;
  if (groups_.empty()) return index.row();
  if (index.internalId() == kTop) return -1;
  return groups_[index.internalId() - 1].runs[static_cast<std::size_t>(index.row())];
}

QModelIndex ComparisonModel::indexOfRun(int run, int column) const {
  if (groups_.empty()) return index(run, column);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const auto& runs = groups_[i].runs;
    const auto found = std::find(runs.begin(), runs.end(), run);
    if (found != runs.end()) return createIndex(int(found - runs.begin()), column, i + 1);
  }
  return {};
}

int ComparisonModel::columnOf(RunField field) const {
  const auto found = std::find_if(columns_.begin(), columns_.end(),
                                  [&](const RunColumn& column) { return column.field == field; });
  return found == columns_.end() ? -1 : int(found - columns_.begin());
}

bool ComparisonModel::isUsed(RunField field) const {
  for (int run = 0; run < int(keys_.size()); ++run) {
    const QString said = text(run, {field});
    if (!said.isEmpty() && said != QStringLiteral("–")) return true;
  }
  return false;
}

QModelIndex ComparisonModel::index(int row, int column, const QModelIndex& above) const {
  if (row < 0 || column < 0 || row >= rowCount(above) || column >= columnCount()) return {};
  return createIndex(row, column, above.isValid() ? static_cast<quintptr>(above.row()) + 1 : kTop);
}

QModelIndex ComparisonModel::parent(const QModelIndex& index) const {
  if (!index.isValid() || index.internalId() == kTop) return {};
  return createIndex(static_cast<int>(index.internalId()) - 1, 0, kTop);
}

int ComparisonModel::rowCount(const QModelIndex& above) const {
  if (view_ == nullptr) return 0;
  if (!above.isValid()) return static_cast<int>(groups_.empty() ? keys_.size() : groups_.size());
  if (groups_.empty() || above.internalId() != kTop || above.column() != 0) return 0;
  return static_cast<int>(groups_[static_cast<std::size_t>(above.row())].runs.size());
}

int ComparisonModel::columnCount(const QModelIndex&) const {
  return static_cast<int>(columns_.size());
}

QVariant ComparisonModel::runData(int run, RunColumn column, int role) const {
  const auto at = static_cast<std::size_t>(run);
  const engine::ComparableRun& each = *view_->runs[at];
  const bool is_baseline = run == baseline();
  switch (role) {
    case Qt::DisplayRole:
      if (column.field == RunField::name && is_baseline) return qt(each.name) + tr(" · baseline");
      return text(run, column);
    case Qt::EditRole:
    case kTextRole:
      return text(run, column);
    case kSortRole:
      return value(run, column);
    case kFirstRole:
      return is_baseline || notes_->of(keys_[at]).pinned;
    case Qt::CheckStateRole:
      if (column.field == RunField::name) return isShown(run) ? Qt::Checked : Qt::Unchecked;
      return {};
    case Qt::DecorationRole: {
      if (column.field != RunField::name) return {};
      return run_look_icon(view_->look_of(at), is_baseline, QGuiApplication::palette());
    }
    case Qt::FontRole: {
      QFont font;
      font.setBold(notes_->of(keys_[at]).pinned);
      return font;
    }
    case Qt::ToolTipRole: {
      if (column.field == RunField::note) return text(run, column);
      QString tip = qt(each.path.string());
      if (!each.observed.detail.empty()) tip += QLatin1Char('\n') + qt(each.observed.detail);
      for (const std::string& note : each.notes) tip += QLatin1Char('\n') + qt(note);
      return tip;
    }
    default:
      return {};
  }
}

Qt::CheckState ComparisonModel::checkState(const RunGroup& group) const {
  const auto shown =
      std::count_if(group.runs.begin(), group.runs.end(), [this](int run) { return isShown(run); });
  if (shown == 0) return Qt::Unchecked;
  return shown == std::ptrdiff_t(group.runs.size()) ? Qt::Checked : Qt::PartiallyChecked;
}

QVariant ComparisonModel::groupData(const RunGroup& group, RunColumn column, int role) const {
  switch (role) {
    case Qt::DisplayRole:
    case kTextRole:
      return group_text(tableRuns(), group, column);
    case kSortRole:
      return group_value(tableRuns(), group, column);
    case kFirstRole:
      return std::find(group.runs.begin(), group.runs.end(), baseline()) != group.runs.end();
    case Qt::CheckStateRole:
      return column.field == RunField::name ? QVariant(checkState(group)) : QVariant();
    default:
      return {};
  }
}

QVariant ComparisonModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || view_ == nullptr) return {};
  const RunColumn column = columnAt(index.column());
  if (role == Qt::TextAlignmentRole)
    return int((is_text(column.field) ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
  const int run = runAt(index);
  return run >= 0 ? runData(run, column, role)
                  : groupData(groups_[static_cast<std::size_t>(index.row())], column, role);
}

bool ComparisonModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (!index.isValid()) return false;
  const RunField field = columnAt(index.column()).field;
  const int run = runAt(index);
  if (role == Qt::CheckStateRole && field == RunField::name) {
    std::set<QString> keys = shown_;
    const std::vector<int> runs =
        run >= 0 ? std::vector<int>{run} : groups_[static_cast<std::size_t>(index.row())].runs;
    for (const int each : runs) {
      if (value.toInt() == Qt::Unchecked) {
        keys.erase(keyOf(each));
      } else {
        keys.insert(keyOf(each));
      }
    }
    setShown(keys);
    return true;
  }
  if (role != Qt::EditRole || run < 0) return false;
  RunNote note = notes_->of(keyOf(run));
  if (field == RunField::tags) {
    note.tags = tags_from(value.toString());
  } else if (field == RunField::note) {
    note.text = value.toString().simplified();
  } else {
    return false;
  }
  notes_->set(QString(keyOf(run)), note);
  return true;
}

Qt::ItemFlags ComparisonModel::flags(const QModelIndex& index) const {
  Qt::ItemFlags flags = QAbstractItemModel::flags(index);
  if (!index.isValid()) return flags;
  const RunField field = columnAt(index.column()).field;
  if (field == RunField::name) flags |= Qt::ItemIsUserCheckable;
  if (runAt(index) >= 0 && (field == RunField::tags || field == RunField::note))
    flags |= Qt::ItemIsEditable;
  return flags;
}

QVariant ComparisonModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || view_ == nullptr || section < 0 || section >= columnCount())
    return {};
  const RunColumn column = columnAt(section);
  switch (role) {
    case Qt::TextAlignmentRole:
      return int((is_text(column.field) ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    case Qt::DisplayRole:
      return column_title(*view_, column);
    case Qt::ToolTipRole:
      return column_tip(*view_, column);
    default:
      return {};
  }
}

QString ComparisonModel::text(int run, RunColumn column) const {
  return cell_text(*view_, static_cast<std::size_t>(run), column, notes_->of(keyOf(run)));
}

QVariant ComparisonModel::value(int run, RunColumn column) const {
  return cell_value(*view_, static_cast<std::size_t>(run), column, notes_->of(keyOf(run)));
}

}  // namespace widgets
