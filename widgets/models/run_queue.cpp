// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_queue.h"

#include "widgets/style/number_text.h"

#include <QFileInfo>
#include <QMimeData>

#include <algorithm>

namespace widgets {
namespace {

const QString kMimeType = QStringLiteral("application/x-paradigm-queued-run");

QString transform_text(const QueuedRun& run) {
  const engine::RunConfig config = engine::run_config_from(run.request.values);
  if (!config.transform_config) return QObject::tr("as its checkpoint");
  if (*config.transform_config == "none") return QObject::tr("plain");
  return QFileInfo(QString::fromStdString(*config.transform_config)).completeBaseName();
}

/// "200", "2.5 epochs"; with what an estimate said: "200, 3 min 10 s".
QString length_text(const QueuedRun& run) {
  const engine::RunConfig config = engine::run_config_from(run.request.values);
  const QString text = config.max_steps > 0 ? grouped(config.max_steps)
                                            : QObject::tr("%1 epochs").arg(config.num_train_epochs);
  const auto& prediction = run.request.prediction;
  const bool is_known = prediction && prediction->seconds > 0;
  return is_known ? text + QStringLiteral(", ") + duration_text(prediction->seconds) : text;
}

}  // namespace

QString place_name(LaunchPlace place) {
  return place == LaunchPlace::in_window ? QObject::tr("in this window")
                                         : QObject::tr("separate process");
}

int RunQueue::rowOf(const QString& folder) const {
  const auto found = std::find_if(runs_.begin(), runs_.end(),
                                  [&](const QueuedRun& run) { return run.folder == folder; });
  return found == runs_.end() ? -1 : static_cast<int>(found - runs_.begin());
}

const QueuedRun* RunQueue::find(const QString& folder) const {
  const int row = rowOf(folder);
  return row < 0 ? nullptr : &runs_[static_cast<std::size_t>(row)];
}

void RunQueue::add(QueuedRun run) {
  const int row = rowCount();
  beginInsertRows({}, row, row);
  runs_.push_back(std::move(run));
  waits_for_.emplace_back();
  endInsertRows();
  Q_EMIT changed();
}

void RunQueue::remove(const QString& folder) {
  const int row = rowOf(folder);
  if (row < 0) return;
  beginRemoveRows({}, row, row);
  runs_.erase(runs_.begin() + row);
  waits_for_.erase(waits_for_.begin() + row);
  endRemoveRows();
  Q_EMIT changed();
}

void RunQueue::move(int from, int to) {
  if (from < 0 || from >= rowCount() || to < 0 || to > rowCount()) return;
  if (!beginMoveRows({}, from, from, {}, to)) return;  // it stands there already
  const auto shift = [from, to](auto& items) {
    const auto first = items.begin();
    if (to > from) {
      std::rotate(first + from, first + from + 1, first + to);
    } else {
      std::rotate(first + to, first + from, first + from + 1);
    }
  };
  shift(runs_);
  shift(waits_for_);
  endMoveRows();
  Q_EMIT dataChanged(index(0, kPosition), index(rowCount() - 1, kPosition));
  Q_EMIT changed();
}

void RunQueue::hold(bool held, const QString& why) {
  if (held_ == held && why_held_ == why) return;
  held_ = held;
  why_held_ = held ? why : QString();
  Q_EMIT changed();
}

void RunQueue::setContinuesOnError(bool goes_on) {
  if (continues_on_error_ == goes_on) return;
  continues_on_error_ = goes_on;
  Q_EMIT changed();
}

void RunQueue::setAutomaticDevice(const QString& device) {
  if (automatic_device_ == device) return;
  automatic_device_ = device;
  if (!isEmpty()) Q_EMIT dataChanged(index(0, kPlace), index(rowCount() - 1, kPlace));
}

void RunQueue::setWaitsFor(const QString& folder, const QString& what) {
  const int row = rowOf(folder);
  if (row < 0) return;
  auto& text = waits_for_[static_cast<std::size_t>(row)];
  if (text == what) return;
  text = what;
  Q_EMIT dataChanged(index(row, kWaitsFor), index(row, kWaitsFor));
}

RunQueueContent RunQueue::content() const {
  return {.runs = runs_,
          .held = held_,
          .why_held = why_held_,
          .continues_on_error = continues_on_error_};
}

void RunQueue::setContent(RunQueueContent content) {
  beginResetModel();
  runs_ = std::move(content.runs);
  waits_for_.assign(runs_.size(), QString());
  held_ = content.held;
  why_held_ = content.why_held;
  continues_on_error_ = content.continues_on_error;
  endResetModel();
  Q_EMIT changed();
}

int RunQueue::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(runs_.size());
}

int RunQueue::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumns;
}

QVariant RunQueue::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const auto row = static_cast<std::size_t>(index.row());
  const QueuedRun& run = runs_[row];
  if (role == kFolderRole) return run.folder;
  if (role == Qt::ToolTipRole) {
    const QString text = data(index, Qt::DisplayRole).toString();
    return index.column() <= kName ? run.folder : text + QLatin1Char('\n') + run.folder;
  }
  if (role == Qt::TextAlignmentRole && index.column() == kPosition) {
    return int(Qt::AlignRight | Qt::AlignVCenter);
  }
  if (role != Qt::DisplayRole) return {};
  switch (index.column()) {
    case kPosition:
      return index.row() + 1;
    case kName:
      return run.resumes ? tr("%1 (goes on)").arg(QFileInfo(run.folder).fileName())
                         : QFileInfo(run.folder).fileName();
    case kTransform:
      return transform_text(run);
    case kLength:
      return length_text(run);
    case kPlace: {
      const bool is_automatic = run.device == QLatin1String("auto");
      return tr("%1, %2").arg(
          is_automatic && !automatic_device_.isEmpty() ? automatic_device_ : run.device,
          run.request.place == LaunchPlace::in_window ? tr("this window") : tr("own process"));
    }
    case kWaitsFor:
      return waits_for_[row];
    default:
      return {};
  }
}

QVariant RunQueue::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case kPosition:
      return tr("#");
    case kName:
      return tr("Run");
    case kTransform:
      return tr("Transform");
    case kLength:
      return tr("Steps");
    case kPlace:
      return tr("Where");
    case kWaitsFor:
      return tr("Waits for");
    default:
      return {};
  }
}

Qt::ItemFlags RunQueue::flags(const QModelIndex& index) const {
  // Rows are dropped between rows, never onto one.
  if (!index.isValid()) return Qt::ItemIsDropEnabled;
  return Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsDragEnabled |
         Qt::ItemNeverHasChildren;
}

QStringList RunQueue::mimeTypes() const { return {kMimeType}; }

QMimeData* RunQueue::mimeData(const QModelIndexList& indexes) const {
  if (indexes.isEmpty()) return nullptr;
  auto* data = new QMimeData;
  data->setData(kMimeType, indexes.front().data(kFolderRole).toString().toUtf8());
  return data;
}

bool RunQueue::dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int,
                            const QModelIndex& parent) {
  if (action != Qt::MoveAction || !data->hasFormat(kMimeType)) return false;
  const int from = rowOf(QString::fromUtf8(data->data(kMimeType)));
  if (from < 0) return false;
  move(from, row >= 0 ? row : parent.isValid() ? parent.row() : rowCount());
  return false;  // moved here: the view is not to remove the row that it dragged
}

}  // namespace widgets
