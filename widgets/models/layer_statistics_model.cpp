// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_statistics_model.h"

#include "widgets/style/number_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace widgets {
namespace {

QStringList names(const std::vector<std::string>& from) {
  QStringList list;
  for (const std::string& name : from) list << QString::fromStdString(name);
  return list;
}

}  // namespace

void LayerStatisticsModel::show(const QString& folder, const engine::LayerSeries& series) {
  QStringList layers = names(series.layers());
  QStringList statistics = names(series.statistics());
  std::vector<std::optional<double>> values;
  std::int64_t step = 0;
  for (const std::string& layer : series.layers()) {
    for (const std::string& statistic : series.statistics()) {
      const engine::RunSeries* curve = series.find(layer, statistic);
      const bool has_value = curve != nullptr && curve->size() > 0;
      values.push_back(has_value ? std::optional(curve->y().back()) : std::nullopt);
      if (has_value) step = std::max(step, static_cast<std::int64_t>(curve->x().back()));
    }
  }
  step_ = step;
  if (folder == folder_ && layers == layers_ && statistics == statistics_) {
    values_ = std::move(values);
    if (!values_.empty()) {
      Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
    }
    return;
  }
  beginResetModel();
  folder_ = folder;
  layers_ = std::move(layers);
  statistics_ = std::move(statistics);
  values_ = std::move(values);
  endResetModel();
}

void LayerStatisticsModel::clear() { show({}, {}); }

int LayerStatisticsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(layers_.size());
}

int LayerStatisticsModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kFirstStatistic + static_cast<int>(statistics_.size());
}

QVariant LayerStatisticsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  if (index.column() == kLayer) {
    if (role == Qt::DisplayRole || role == Qt::ToolTipRole) return layers_[index.row()];
    return role == kSortRole ? QVariant(index.row()) : QVariant();
  }
  const auto cell = static_cast<std::size_t>(index.row()) * statistics_.size() +
                    static_cast<std::size_t>(index.column() - kFirstStatistic);
  const std::optional<double> value = values_[cell];
  switch (role) {
    case Qt::DisplayRole:
      return value ? QVariant(statistic_text(*value)) : QVariant();
    case kSortRole:  // what is missing or no number stands together, below all
      return value && !std::isnan(*value) ? *value : -std::numeric_limits<double>::infinity();
    case Qt::TextAlignmentRole:
      return int(Qt::AlignRight | Qt::AlignVCenter);
    default:
      return {};
  }
}

QVariant LayerStatisticsModel::headerData(int section, Qt::Orientation orientation,
                                          int role) const {
  if (orientation != Qt::Horizontal) return {};
  const bool is_layer = section == kLayer;
  if (role == Qt::TextAlignmentRole && !is_layer) return int(Qt::AlignRight | Qt::AlignVCenter);
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
  return is_layer ? tr("Layer") : statistics_[section - kFirstStatistic];
}

}  // namespace widgets
