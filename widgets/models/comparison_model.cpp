// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/comparison_model.h"

#include "widgets/models/run_list_model.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"

#include <QFont>
#include <QGuiApplication>
#include <QPainter>
#include <QPixmap>
#include <QRegularExpression>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

QString qt(const std::string& text) { return QString::fromStdString(text); }

double last_step(const engine::ComparableRun& run) {
  double last = 0;
  for (const std::string& name : run.metrics.names())
    last = std::max(last, run.metrics.find(name)->step.back());
  return last;
}

/// A square of the run's colour; the baseline's is a frame.
QPixmap color_mark(const QColor& color, bool is_baseline) {
  const int size = QFontMetrics(QGuiApplication::font()).ascent();
  QPixmap pixmap(size, size);
  pixmap.fill(Qt::transparent);
  QPainter painter(&pixmap);
  if (is_baseline) {
    painter.setPen(QPen(color, 3));
    painter.drawRect(2, 2, size - 4, size - 4);
  } else {
    painter.fillRect(1, 1, size - 2, size - 2, color);
  }
  return pixmap;
}

/// -1 for what is no metric column; 0 the value, 1 the difference.
struct MetricColumn {
  int metric = -1;
  bool is_delta = false;
};

MetricColumn metric_at(int column, int settings) {
  const int at = column - ComparisonModel::kFirstSetting - settings;
  return at < 0 ? MetricColumn{} : MetricColumn{at / 2, at % 2 == 1};
}

}  // namespace

void ComparisonModel::setView(ComparisonViewPtr view) {
  std::vector<QString> keys;
  for (const ComparableRunPtr& run : view->runs) keys.push_back(run_key(*run));
  const bool is_same_shape = view_ != nullptr && keys == keys_ &&
                             view->comparison.columns.size() == view_->comparison.columns.size() &&
                             view->comparison.options.metrics == view_->comparison.options.metrics;
  if (is_same_shape) {
    // A live update must not take selection and scroll position away.
    view_ = std::move(view);
    if (!keys_.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
    Q_EMIT headerDataChanged(Qt::Horizontal, 0, columnCount() - 1);
    return;
  }
  beginResetModel();
  view_ = std::move(view);
  keys_ = std::move(keys);
  endResetModel();
}

bool ComparisonModel::isShown(int row) const {
  return shown_.count(keys_[static_cast<std::size_t>(row)]) > 0;
}

void ComparisonModel::setShown(const std::set<QString>& keys) {
  if (keys == shown_) return;
  shown_ = keys;
  if (rowCount() > 0)
    Q_EMIT dataChanged(index(0, kName), index(rowCount() - 1, kName), {Qt::CheckStateRole});
  Q_EMIT shownChanged();
}

void ComparisonModel::setPinned(int row, bool pinned) {
  const QString& key = keys_[static_cast<std::size_t>(row)];
  if (pinned) {
    pinned_.insert(key);
  } else {
    pinned_.erase(key);
  }
  Q_EMIT dataChanged(index(row, 0), index(row, columnCount() - 1));
}

int ComparisonModel::baseline() const {
  return view_ == nullptr ? -1 : static_cast<int>(view_->comparison.options.baseline);
}

int ComparisonModel::settings() const {
  return view_ == nullptr ? 0 : static_cast<int>(view_->comparison.columns.size());
}

int ComparisonModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() || view_ == nullptr ? 0 : static_cast<int>(view_->runs.size());
}

int ComparisonModel::columnCount(const QModelIndex& parent) const {
  if (parent.isValid() || view_ == nullptr) return 0;
  return kFirstSetting + settings() +
         2 * static_cast<int>(view_->comparison.options.metrics.size());
}

QVariant ComparisonModel::text(int row, int column) const {
  const auto at = static_cast<std::size_t>(row);
  const engine::ComparableRun& run = *view_->runs[at];
  switch (column) {
    case kName:
      return qt(run.name);
    case kState:
      return state_text(run.observed.state);
    case kStep:
      return run.max_steps > 0
                 ? QStringLiteral("%1/%2").arg(grouped(static_cast<std::int64_t>(last_step(run))),
                                               grouped(run.max_steps))
                 : grouped(static_cast<std::int64_t>(last_step(run)));
    default:
      break;
  }
  const int setting = column - kFirstSetting;
  if (setting < settings())
    return qt(view_->comparison.columns[static_cast<std::size_t>(setting)].values[at]);
  const auto [metric, is_delta] = metric_at(column, settings());
  const engine::MetricCell& cell =
      view_->comparison.runs[at].cells[static_cast<std::size_t>(metric)];
  if (is_delta) {
    if (!cell.delta) return QString();
    const QString arrow = *cell.delta > 0   ? QStringLiteral("▲ ")
                          : *cell.delta < 0 ? QStringLiteral("▼ ")
                                            : QString();
    return arrow + qt(engine::shown_delta(*cell.delta));
  }
  return cell.value ? qt(engine::shown(cell.value->value)) : QStringLiteral("–");
}

QVariant ComparisonModel::sortValue(int row, int column) const {
  const auto at = static_cast<std::size_t>(row);
  if (column == kStep) return last_step(*view_->runs[at]);
  const auto [metric, is_delta] = metric_at(column, settings());
  if (metric >= 0) {
    const engine::MetricCell& cell =
        view_->comparison.runs[at].cells[static_cast<std::size_t>(metric)];
    const double value = is_delta ? cell.delta.value_or(NAN) : cell.value ? cell.value->value : NAN;
    return std::isnan(value) ? QVariant() : QVariant(value);
  }
  const QString words = text(row, column).toString();
  bool is_number = false;
  const double number = words.toDouble(&is_number);
  return is_number ? QVariant(number) : QVariant(words);
}

QVariant ComparisonModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || view_ == nullptr) return {};
  const int row = index.row();
  const auto at = static_cast<std::size_t>(row);
  const engine::ComparableRun& run = *view_->runs[at];
  const bool is_number = index.column() == kStep || index.column() >= kFirstSetting;
  switch (role) {
    case Qt::DisplayRole:
      if (index.column() == kName && row == baseline()) return qt(run.name) + tr(" · baseline");
      return text(row, index.column());
    case kTextRole:
      return text(row, index.column());
    case kSortRole:
      return sortValue(row, index.column());
    case kFirstRole:
      return row == baseline() || pinned_.count(keys_[at]) > 0;
    case kPinnedRole:
      return pinned_.count(keys_[at]) > 0;
    case Qt::TextAlignmentRole:
      return int(is_number ? Qt::AlignRight | Qt::AlignVCenter : Qt::AlignLeft | Qt::AlignVCenter);
    case Qt::CheckStateRole:
      if (index.column() == kName) return isShown(row) ? Qt::Checked : Qt::Unchecked;
      return {};
    case Qt::DecorationRole: {
      if (index.column() != kName) return {};
      const ThemeColors& colors = theme_colors(QGuiApplication::palette());
      return color_mark(row == baseline() ? colors.baseline : colors.run(view_->colors[at]),
                        row == baseline());
    }
    case Qt::FontRole: {
      QFont font;
      font.setBold(pinned_.count(keys_[at]) > 0);
      return font;
    }
    case Qt::ToolTipRole: {
      QString tip = qt(run.path.string());
      if (!run.observed.detail.empty()) tip += QLatin1Char('\n') + qt(run.observed.detail);
      for (const std::string& note : run.notes) tip += QLatin1Char('\n') + qt(note);
      return tip;
    }
    default:
      return {};
  }
}

bool ComparisonModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (role != Qt::CheckStateRole || index.column() != kName) return false;
  std::set<QString> keys = shown_;
  const QString& key = keys_[static_cast<std::size_t>(index.row())];
  if (value.toInt() == Qt::Checked) {
    keys.insert(key);
  } else {
    keys.erase(key);
  }
  setShown(keys);
  return true;
}

Qt::ItemFlags ComparisonModel::flags(const QModelIndex& index) const {
  Qt::ItemFlags flags = QAbstractTableModel::flags(index);
  if (index.column() == kName) flags |= Qt::ItemIsUserCheckable;
  return flags;
}

QVariant ComparisonModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || view_ == nullptr) return {};
  const bool is_number = section >= kStep;
  if (role == Qt::TextAlignmentRole)
    return int(is_number ? Qt::AlignRight | Qt::AlignVCenter : Qt::AlignLeft | Qt::AlignVCenter);
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
  switch (section) {
    case kName:
      return tr("Run");
    case kState:
      return tr("State");
    case kStep:
      return tr("Step");
    default:
      break;
  }
  const int setting = section - kFirstSetting;
  if (setting < settings())
    return qt(view_->comparison.columns[static_cast<std::size_t>(setting)].name);
  const auto [metric, is_delta] = metric_at(section, settings());
  if (metric >= static_cast<int>(view_->comparison.options.metrics.size())) return {};
  const QString name = qt(view_->comparison.options.metrics[static_cast<std::size_t>(metric)]);
  if (role == Qt::ToolTipRole)
    return is_delta
               ? tr("Difference to the baseline's %1").arg(name)
               : tr("%1: %2").arg(name, qt(engine::to_string(view_->comparison.options.statistic)));
  return is_delta ? QStringLiteral("Δ ") + name : name;
}

void ComparisonFilter::setText(const QString& text) {
  words_ = text.split(QLatin1Char(' '), Qt::SkipEmptyParts);
  invalidateFilter();
}

bool ComparisonFilter::holds(int row, const QString& word) const {
  static const QRegularExpression kExpression(QStringLiteral("^([^<>=]+)(<=|>=|=|<|>)(.+)$"));
  const auto match = kExpression.match(word);
  const QAbstractItemModel* model = sourceModel();
  const int columns = model->columnCount();
  for (int column = 0; column < columns; ++column) {
    const QString text = model->index(row, column).data(ComparisonModel::kTextRole).toString();
    if (!match.hasMatch()) {
      if (text.contains(word, Qt::CaseInsensitive)) return true;
      continue;
    }
    const QString header = model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
    if (header.compare(match.captured(1), Qt::CaseInsensitive) != 0) continue;
    const QString wanted = match.captured(3);
    const QVariant value = model->index(row, column).data(ComparisonModel::kSortRole);
    bool is_number = false;
    const double number = wanted.toDouble(&is_number);
    if (!is_number || value.userType() != QMetaType::Double)
      return match.captured(2) == QLatin1String("=") &&
             text.compare(wanted, Qt::CaseInsensitive) == 0;
    const double own = value.toDouble();
    const QString sign = match.captured(2);
    return sign == QLatin1String("=")    ? own == number
           : sign == QLatin1String("<")  ? own < number
           : sign == QLatin1String(">")  ? own > number
           : sign == QLatin1String("<=") ? own <= number
                                         : own >= number;
  }
  return false;
}

bool ComparisonFilter::filterAcceptsRow(int row, const QModelIndex&) const {
  return std::all_of(words_.begin(), words_.end(),
                     [&](const QString& word) { return holds(row, word); });
}

bool ComparisonFilter::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  const bool is_left_first = left.data(ComparisonModel::kFirstRole).toBool();
  if (is_left_first != right.data(ComparisonModel::kFirstRole).toBool())
    return (sortOrder() == Qt::AscendingOrder) == is_left_first;
  const QVariant a = left.data(ComparisonModel::kSortRole);
  const QVariant b = right.data(ComparisonModel::kSortRole);
  if (!a.isValid() || !b.isValid())  // what is not known stays at the end
    return sortOrder() == Qt::AscendingOrder ? a.isValid() && !b.isValid()
                                             : !a.isValid() && b.isValid();
  const bool are_numbers = a.userType() == QMetaType::Double && b.userType() == QMetaType::Double;
  return are_numbers ? a.toDouble() < b.toDouble()
                     : QString::localeAwareCompare(a.toString(), b.toString()) < 0;
}

}  // namespace widgets
