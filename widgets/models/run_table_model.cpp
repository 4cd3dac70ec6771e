// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_table_model.h"

#include "widgets/style/number_text.h"

#include <QLocale>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace widgets {
namespace {

constexpr std::array kColumns = {
    Metric::loss,   Metric::eval_loss,         Metric::grad_norm, Metric::learning_rate,
    Metric::tokens, Metric::tokens_per_second, Metric::memory,    Metric::seconds};

QString text_of(Metric metric, double value) {
  if (!std::isfinite(value)) return statistic_text(value);
  switch (metric) {
    case Metric::tokens:
      return grouped(static_cast<std::int64_t>(value));
    case Metric::memory:
      return bytes_text(value);
    case Metric::seconds:
      return duration_text(value);
    case Metric::learning_rate:
      return QLocale().toString(value, 'g', 5);
    case Metric::tokens_per_second:
      return QLocale().toString(value, 'f', 0);
    default:
      return QLocale().toString(value, 'f', 4);
  }
}

}  // namespace

void RunTableModel::show(const RunRecord* run) {
  std::vector<double> steps;
  if (run != nullptr) {
    const auto logged = run->curve(Metric::loss).x();
    const auto evaluated = run->curve(Metric::eval_loss).x();
    steps.reserve(logged.size() + evaluated.size());
    std::set_union(logged.begin(), logged.end(), evaluated.begin(), evaluated.end(),
                   std::back_inserter(steps));
  }
  const bool grows = run == run_ && steps.size() >= steps_.size() &&
                     std::equal(steps_.begin(), steps_.end(), steps.begin());
  if (!grows) {
    beginResetModel();
    run_ = run;
    steps_ = std::move(steps);
    endResetModel();
  } else if (steps.size() > steps_.size()) {
    beginInsertRows({}, static_cast<int>(steps_.size()), static_cast<int>(steps.size()) - 1);
    steps_ = std::move(steps);
    endInsertRows();
  }
}

int RunTableModel::rowOf(double step) const {
  return static_cast<int>(std::upper_bound(steps_.begin(), steps_.end(), step) - steps_.begin()) -
         1;
}

int RunTableModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(steps_.size());
}

int RunTableModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : 1 + static_cast<int>(kColumns.size());
}

QVariant RunTableModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || run_ == nullptr) return {};
  if (role == Qt::TextAlignmentRole) return int(Qt::AlignRight | Qt::AlignVCenter);
  if (role != Qt::DisplayRole) return {};
  const double at = step(index.row());
  if (index.column() == 0) return grouped(static_cast<std::int64_t>(at));
  const Metric metric = kColumns[static_cast<std::size_t>(index.column()) - 1];
  const auto& curve = run_->curve(metric);
  const auto x = curve.x();
  const auto found = std::lower_bound(x.begin(), x.end(), at);
  if (found == x.end() || *found != at) return {};
  return text_of(metric, curve.y()[static_cast<std::size_t>(found - x.begin())]);
}

QVariant RunTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole) return int(Qt::AlignRight | Qt::AlignVCenter);
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
  if (section == 0) return tr("step");
  const Metric metric = kColumns[static_cast<std::size_t>(section) - 1];
  return role == Qt::ToolTipRole ? metric_title(metric) : metric_name(metric);
}

}  // namespace widgets
