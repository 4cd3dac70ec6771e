// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/problems_model.h"

#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QFileInfo>
#include <QPalette>

#include <algorithm>

namespace widgets {

void ProblemsModel::setProblems(std::vector<engine::Problem> problems) {
  beginResetModel();
  problems_ = std::move(problems);
  std::stable_sort(problems_.begin(), problems_.end(), [](const auto& one, const auto& other) {
    return static_cast<int>(one.severity) > static_cast<int>(other.severity);
  });
  endResetModel();
}

int ProblemsModel::count(engine::Severity severity) const {
  return static_cast<int>(std::count_if(problems_.begin(), problems_.end(),
                                        [&](const auto& one) { return one.severity == severity; }));
}

int ProblemsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(problems_.size());
}

int ProblemsModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumns;
}

QVariant ProblemsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const auto& problem = problems_[static_cast<std::size_t>(index.row())];
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case kMessage:
          return QString::fromStdString(problem.message);
        case kRemedy:
          return QString::fromStdString(problem.remedy);
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
    case kPlace:
      return tr("Place");
    default:
      return {};
  }
}

}  // namespace widgets
