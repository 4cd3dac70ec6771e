// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_list_model.h"

#include "widgets/style/number_text.h"
#include "widgets/style/run_look_icon.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QPalette>

namespace widgets {
QString state_text(engine::RunState state) { return QString::fromLatin1(engine::to_string(state)); }

QColor state_color(engine::RunState state, const QPalette& palette) {
  const auto& colors = theme_colors(palette);
  switch (state) {
    case engine::RunState::running:
    case engine::RunState::finished:
      return colors.good;
    case engine::RunState::failed:
    case engine::RunState::interrupted:
      return colors.error;
    case engine::RunState::paused:
    case engine::RunState::stopping:
    case engine::RunState::unknown:
      return colors.warning;
    default:
      return palette.color(QPalette::WindowText);
  }
}

QString state_sentence(const RunRecord& run) {
  const QString state = state_text(run.state);
  if (run.state == engine::RunState::starting && !run.stage.isEmpty()) {
    return run.stage_share >= 0
               ? QObject::tr("%1: %2, %3").arg(state, run.stage, percent(run.stage_share))
               : QObject::tr("%1: %2").arg(state, run.stage);
  }
  if (run.state == engine::RunState::failed && !run.failure.isEmpty()) {
    return QObject::tr("%1: %2").arg(state, run.failure);
  }
  if (run.detail.startsWith(state)) return run.detail;
  return run.detail.isEmpty() ? state : QObject::tr("%1, %2").arg(state, run.detail);
}

RunListModel::RunListModel(RunStore* store, QObject* parent)
    : QAbstractTableModel(parent), store_(store), rows_(static_cast<int>(store->runs().size())) {
  connect(store_, &RunStore::runAdded, this, [this] {
    beginInsertRows({}, 0, 0);
    ++rows_;
    endInsertRows();
  });
  connect(store_, &RunStore::runToBeRemoved, this, [this](const QString& folder) {
    const int row = indexOf(folder).row();
    beginRemoveRows({}, row, row);
  });
  connect(store_, &RunStore::runRemoved, this, [this] {
    --rows_;
    endRemoveRows();
  });
  connect(store_, &RunStore::runsChanged, this, [this](const QStringList& folders) {
    for (const auto& folder : folders) {
      const QModelIndex first = indexOf(folder);
      if (first.isValid()) Q_EMIT dataChanged(first, first.siblingAtColumn(kColumns - 1));
    }
  });
}

const RunRecord& RunListModel::run(int row) const {
  return *store_->runs()[static_cast<std::size_t>(rows_ - 1 - row)];
}

QModelIndex RunListModel::indexOf(const QString& folder) const {
  for (int row = 0; row < rows_; ++row) {
    if (run(row).folder == folder) return index(row, 0);
  }
  return {};
}

int RunListModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : rows_; }

int RunListModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumns;
}

QVariant RunListModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const RunRecord& record = run(index.row());
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case kName:
          return record.name;
        case kState:
          return state_text(record.state);
        case kStep:
          return record.max_steps > 0 ? QStringLiteral("%1 / %2").arg(grouped(record.step),
                                                                      grouped(record.max_steps))
                                      : grouped(record.step);
        case kLastLoss:
          return record.last_loss ? loss_text(*record.last_loss) : QStringLiteral("–");
        case kBestLoss:
          return record.best_loss ? loss_text(*record.best_loss) : QStringLiteral("–");
        case kStarted:
          return time_text(record.started_at);
        default:
          return {};
      }
    case Qt::DecorationRole:
      if (index.column() != kName) return {};
      return run_look_icon(record.look, false, QApplication::palette());
    case Qt::TextAlignmentRole:
      if (index.column() >= kStep && index.column() <= kBestLoss) {
        return int(Qt::AlignRight | Qt::AlignVCenter);
      }
      return {};
    case Qt::ForegroundRole:
      if (index.column() != kState) return {};
      return state_color(record.state, QApplication::palette());
    case Qt::ToolTipRole:
      return QStringLiteral("%1\n%2").arg(record.folder, state_sentence(record));
    case Qt::AccessibleTextRole:
      if (index.column() == kState) return state_sentence(record);
      return data(index, Qt::DisplayRole);
    case kFolderRole:
      return record.folder;
    default:
      return {};
  }
}

QVariant RunListModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole) {
    return int((section >= kStep && section <= kBestLoss ? Qt::AlignRight : Qt::AlignLeft) |
               Qt::AlignVCenter);
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case kName:
      return tr("Run");
    case kState:
      return tr("State");
    case kStep:
      return tr("Step");
    case kLastLoss:
      return tr("Last loss");
    case kBestLoss:
      return tr("Best loss");
    case kStarted:
      return tr("Started");
    default:
      return {};
  }
}

}  // namespace widgets
