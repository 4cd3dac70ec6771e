// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_log_model.h"

#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QPalette>

namespace widgets {
namespace {

bool same(const LogLine& one, const LogLine& other) {
  return one.time == other.time && one.step == other.step && one.text == other.text;
}

}  // namespace

void RunLogModel::show(const QString& folder, const std::vector<LogLine>& lines) {
  const bool continues = folder == folder_ && lines.size() >= lines_.size() &&
                         (lines_.empty() || same(lines[lines_.size() - 1], lines_.back()));
  if (!continues) {
    beginResetModel();
    folder_ = folder;
    lines_ = lines;
    endResetModel();
    return;
  }
  if (lines.size() == lines_.size()) return;
  beginInsertRows({}, static_cast<int>(lines_.size()), static_cast<int>(lines.size()) - 1);
  lines_.insert(lines_.end(), lines.begin() + static_cast<std::ptrdiff_t>(lines_.size()),
                lines.end());
  endInsertRows();
}

void RunLogModel::clear() {
  beginResetModel();
  folder_.clear();
  lines_.clear();
  endResetModel();
}

int RunLogModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(lines_.size());
}

int RunLogModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumns;
}

QVariant RunLogModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const LogLine& line = lines_[static_cast<std::size_t>(index.row())];
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case kTime:
          return time_text(line.time);
        case kStep:
          return grouped(line.step);
        case kText:
          return line.text;
        default:
          return {};
      }
    case Qt::ToolTipRole:
      return line.text;
    case Qt::DecorationRole:
      if (index.column() != kText || line.level == QLatin1String("info")) return {};
      return line.level == QLatin1String("error")
                 ? symbol_icon(QStringLiteral("error"), SymbolColor::error)
                 : symbol_icon(QStringLiteral("warning"), SymbolColor::warning);
    case Qt::ForegroundRole:
      if (index.column() != kText) return muted_text(QApplication::palette());
      if (line.level == QLatin1String("error")) return theme_colors(QApplication::palette()).error;
      return {};
    case Qt::TextAlignmentRole:
      if (index.column() == kStep) return int(Qt::AlignRight | Qt::AlignVCenter);
      return {};
    case Qt::AccessibleTextRole:
      if (index.column() != kText) return data(index, Qt::DisplayRole);
      return line.level == QLatin1String("info")
                 ? line.text
                 : QStringLiteral("%1: %2").arg(line.level, line.text);
    default:
      return {};
  }
}

QVariant RunLogModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole && section == kStep) {
    return int(Qt::AlignRight | Qt::AlignVCenter);
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case kTime:
      return tr("Time");
    case kStep:
      return tr("Step");
    case kText:
      return tr("Message");
    default:
      return {};
  }
}

}  // namespace widgets
