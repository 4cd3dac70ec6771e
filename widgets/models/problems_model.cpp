// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/problems_model.h"

#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QFileInfo>
#include <QPalette>

#include <algorithm>

namespace widgets {
namespace {

constexpr int kIdleMs = 120;

}  // namespace

ProblemsModel::ProblemsModel(QObject* parent) : QAbstractTableModel(parent) {
  idle_.setSingleShot(true);
  connect(&idle_, &QTimer::timeout, this, &ProblemsModel::workOutOne);
}

void ProblemsModel::setProblems(std::vector<engine::Problem> problems) {
  std::vector<Entry> entries;
  for (auto& problem : problems) entries.push_back({std::move(problem), std::nullopt, QString()});
  std::stable_sort(entries.begin(), entries.end(), [](const auto& one, const auto& other) {
    return static_cast<int>(one.problem.severity) > static_cast<int>(other.problem.severity);
  });
  const auto same = [](const Entry& one, const Entry& other) {
    return engine::to_string(one.problem) == engine::to_string(other.problem);
  };
  if (std::equal(entries.begin(), entries.end(), entries_.begin(), entries_.end(), same)) {
    // The edits were of the text before; what they say is most likely the same.
    for (auto& entry : entries_) entry.fixes.reset();
  } else {
    beginResetModel();
    entries_ = std::move(entries);
    endResetModel();
  }
  if (fixer_) idle_.start(kIdleMs);
}

void ProblemsModel::workOutOne() {
  for (int row = 0; row < rowCount(); ++row) {
    if (at(row).fixes || !engine::has_fix(at(row).problem)) continue;
    fixes(row);
    idle_.start(0);
    return;
  }
}

const ProblemsModel::Fixes& ProblemsModel::fixes(int row) {
  Entry& entry = entries_[static_cast<std::size_t>(row)];
  if (!entry.fixes) {
    const bool may_have = fixer_ && engine::has_fix(entry.problem);
    entry.fixes = may_have ? fixer_(entry.problem) : Fixes();
    const QString title =
        entry.fixes->empty() ? QString() : QString::fromStdString(entry.fixes->front().edit.title);
    if (title != entry.title || entry.fixes->empty()) {
      entry.title = title;
      Q_EMIT dataChanged(index(row, kFix), index(row, kFix));
    }
  }
  return *entry.fixes;
}

QString ProblemsModel::fixText(const Entry& entry) const {
  if (!entry.title.isEmpty()) return entry.title;
  const bool is_open = !entry.fixes && fixer_ && engine::has_fix(entry.problem);
  return is_open ? tr("Fix…") : QString();
}

int ProblemsModel::count(engine::Severity severity) const {
  return static_cast<int>(std::count_if(entries_.begin(), entries_.end(), [&](const auto& one) {
    return one.problem.severity == severity;
  }));
}

int ProblemsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(entries_.size());
}

int ProblemsModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumns;
}

QVariant ProblemsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const auto& problem = at(index.row()).problem;
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case kMessage:
          return QString::fromStdString(problem.message);
        case kRemedy:
          return QString::fromStdString(problem.remedy);
        case kFix:
          return fixText(at(index.row()));
        case kPlace: {
          engine::Place place = problem.place;
          place.file = QFileInfo(QString::fromStdString(place.file)).fileName().toStdString();
          return QString::fromStdString(engine::to_string(place));
        }
        default:
          return {};
      }
    case Qt::DecorationRole:
      if (index.column() != kMessage) return {};
      return symbol_icon(QString::fromLatin1(engine::to_string(problem.severity)),
                         problem.severity == engine::Severity::error     ? SymbolColor::error
                         : problem.severity == engine::Severity::warning ? SymbolColor::warning
                                                                         : SymbolColor::text);
    case Qt::ForegroundRole: {
      if (index.column() != kMessage) return {};
      const auto& colors = theme_colors(QApplication::palette());
      if (problem.severity == engine::Severity::error) return colors.error;
      if (problem.severity == engine::Severity::warning) return colors.warning;
      return {};
    }
    case Qt::ToolTipRole:
      if (index.column() == kFix && !fixText(at(index.row())).isEmpty()) {
        return tr("%1 – one step that Undo takes back").arg(fixText(at(index.row())));
      }
      [[fallthrough]];
    case Qt::AccessibleTextRole:
      return QString::fromStdString(engine::to_string(problem));
    default:
      return {};
  }
}

QVariant ProblemsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case kMessage:
      return tr("Problem");
    case kRemedy:
      return tr("What to do");
    case kFix:
      return tr("Fix");
    case kPlace:
      return tr("Place");
    default:
      return {};
  }
}

}  // namespace widgets
