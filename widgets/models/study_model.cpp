// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/study_model.h"

#include "widgets/models/run_list_model.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QPalette>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

namespace widgets {
namespace {

using engine::RunState;

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

void StudyModel::setStudy(engine::StudyView view) {
  beginResetModel();
  view_ = std::move(view);
  seeds_.clear();
  for (const auto& cell : view_.cells) {
    if (std::find(seeds_.begin(), seeds_.end(), cell.seed) == seeds_.end()) {
      seeds_.push_back(cell.seed);
    }
  }
  results_ = engine::results_of(view_.study, view_.cells, view_.statuses);
  endResetModel();
}

void StudyModel::setStatuses(std::vector<engine::CellStatus> statuses) {
  if (statuses.size() != view_.cells.size()) return;
  view_.statuses = std::move(statuses);
  results_ = engine::results_of(view_.study, view_.cells, view_.statuses);
  showAll();
}

void StudyModel::setQueued(const QSet<QString>& folders) {
  if (folders == queued_) return;
  queued_ = folders;
  showAll();
}

void StudyModel::showAll() {
  if (rowCount() > 0) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
}

int StudyModel::cellAt(const QModelIndex& index) const {
  const auto seeds = static_cast<int>(seeds_.size());
  if (!index.isValid() || index.column() >= seeds) return -1;
  // Every combination has all seeds, the seed fastest.
  const int cell = index.row() * seeds + index.column();
  return cell < static_cast<int>(view_.cells.size()) ? cell : -1;
}

QString StudyModel::folderOf(int cell) const {
  const auto& folder = view_.cells[static_cast<std::size_t>(cell)].config.output_dir;
  return QString::fromStdString(std::filesystem::absolute(folder).lexically_normal().string());
}

RunState StudyModel::stateOf(int cell) const {
  const auto& status = view_.statuses[static_cast<std::size_t>(cell)];
  const bool waits = status.action != engine::CellAction::wait && queued_.contains(folderOf(cell));
  return waits ? RunState::queued : status.state;
}

std::vector<int> StudyModel::missing() const {
  std::vector<int> cells;
  for (int cell = 0; cell < static_cast<int>(view_.cells.size()); ++cell) {
    const auto& status = view_.statuses[static_cast<std::size_t>(cell)];
    if (engine::is_to_be_run(status) && !queued_.contains(folderOf(cell))) cells.push_back(cell);
  }
  return cells;
}

int StudyModel::count(RunState state) const {
  int count = 0;
  for (int cell = 0; cell < static_cast<int>(view_.cells.size()); ++cell) {
    count += stateOf(cell) == state;
  }
  return count;
}

int StudyModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(results_.size());
}

int StudyModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() || seeds_.empty() ? 0 : static_cast<int>(seeds_.size()) + 1;
}

QString StudyModel::textOf(int cell) const {
  const auto& status = view_.statuses[static_cast<std::size_t>(cell)];
  const RunState state = stateOf(cell);
  if (state == RunState::queued && !queued_.contains(folderOf(cell))) return tr("missing");
  if (state == RunState::finished && status.metric) return loss_text(*status.metric);
  if (status.step > 0 && status.max_steps > 0) {
    return tr("%1, %2 / %3")
        .arg(state_text(state), grouped(status.step), grouped(status.max_steps));
  }
  return state_text(state);
}

QString StudyModel::tipOf(int cell) const {
  const auto& status = view_.statuses[static_cast<std::size_t>(cell)];
  QStringList text{folderOf(cell)};
  text << (status.detail.empty() ? state_text(stateOf(cell))
                                 : tr("%1: %2").arg(state_text(stateOf(cell)),
                                                    QString::fromStdString(status.detail)));
  if (!status.difference.empty()) {
    text << tr("It is another run than the study asks for: %1")
                .arg(QString::fromStdString(status.difference));
  }
  return text.join(QLatin1Char('\n'));
}

/// "2.1310, +0.0200 to plain"
QString StudyModel::resultOf(int row) const {
  const auto& result = results_[static_cast<std::size_t>(row)];
  if (result.values.empty()) return QStringLiteral("–");
  QString text = loss_text(mean_of(result.values));
  if (!result.differences.empty()) {
    const double difference = mean_of(result.differences);
    text += tr(" (%1%2)").arg(difference < 0 ? QStringLiteral("−") : QStringLiteral("+"),
                              loss_text(std::abs(difference)));
  }
  return text;
}

QVariant StudyModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const int cell = cellAt(index);
  if (cell < 0) {
    if (role == Qt::DisplayRole) return resultOf(index.row());
    if (role == Qt::ToolTipRole) {
      const auto& result = results_[static_cast<std::size_t>(index.row())];
      return tr("Mean %1 of %2 of %3 seeds")
          .arg(QString::fromStdString(view_.study.metric))
          .arg(result.finished)
          .arg(result.seeds);
    }
    return {};
  }
  switch (role) {
    case Qt::DisplayRole:
      return textOf(cell);
    case Qt::ToolTipRole:
      return tipOf(cell);
    case Qt::AccessibleTextRole:
      return tr("%1: %2").arg(QString::fromStdString(view_.cells[std::size_t(cell)].name()),
                              textOf(cell));
    case kFolderRole:
      return folderOf(cell);
    case Qt::ForegroundRole: {
      const QPalette palette = QApplication::palette();
      if (!view_.statuses[static_cast<std::size_t>(cell)].difference.empty()) {
        return theme_colors(palette).error;
      }
      return stateOf(cell) == RunState::queued ? muted_text(palette)
                                               : state_color(stateOf(cell), palette);
    }
    default:
      return {};
  }
}

QVariant StudyModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole) return {};
  if (orientation == Qt::Vertical) {
    return QString::fromStdString(results_[static_cast<std::size_t>(section)].label);
  }
  if (section < static_cast<int>(seeds_.size())) {
    return tr("seed %1").arg(seeds_[static_cast<std::size_t>(section)]);
  }
  return view_.study.baseline.empty()
             ? tr("mean %1").arg(QString::fromStdString(view_.study.metric))
             : tr("mean %1 (to %2)")
                   .arg(QString::fromStdString(view_.study.metric),
                        QString::fromStdString(view_.study.baseline));
}

}  // namespace widgets
