// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_step_grid.h"

#include <QHash>

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

QStringList ordered_layers(const engine::LayerSeries& series, const std::string& statistic,
                           const QStringList& order) {
  QHash<QString, int> place;
  for (int i = 0; i < order.size(); ++i) place.insert(order[i], i);
  QStringList layers;
  for (const auto& layer : series.layers()) {
    if (series.find(layer, statistic) != nullptr) layers << QString::fromStdString(layer);
  }
  const auto rank = [&](const QString& layer) { return place.value(layer, int(order.size())); };
  std::stable_sort(layers.begin(), layers.end(), [&](const QString& one, const QString& other) {
    return rank(one) < rank(other);
  });
  return layers;
}

}  // namespace

void LayerStepGrid::clear() { *this = {}; }

double LayerStepGrid::step(int column) const {
  const auto last = std::min(steps_.size(), static_cast<std::size_t>((column + 1) * per_column_));
  return last == 0 ? 0 : steps_[last - 1];
}

int LayerStepGrid::columnOf(double step) const {
  const auto at = std::lower_bound(steps_.begin(), steps_.end(), step) - steps_.begin();
  if (steps_.empty()) return -1;
  return std::min(static_cast<int>(at) / per_column_, columns_ - 1);
}

void LayerStepGrid::take(int row, int column, double value, bool least) {
  const auto i = index(row, column);
  const auto now = static_cast<float>(value);
  const bool is_first = known_[i] == 0;
  known_[i] = 1;
  if (is_first || !std::isfinite(now)) {
    values_[i] = std::isfinite(now) ? now : kUnknown;
  } else if (std::isfinite(values_[i])) {
    values_[i] = least ? std::min(values_[i], now) : std::max(values_[i], now);
  }
}

int LayerStepGrid::follow(const engine::LayerSeries& series, const std::string& statistic,
                          const QStringList& order) {
  const bool least = statistic.ends_with("_db");
  QStringList layers = ordered_layers(series, statistic, order);
  std::vector<const engine::RunSeries*> curves;
  std::vector<double> steps;
  for (const auto& layer : layers) {
    curves.push_back(series.find(layer.toStdString(), statistic));
    const auto x = curves.back()->x();
    if (steps.empty()) {
      steps.assign(x.begin(), x.end());
    } else if (!std::equal(x.begin(), x.end(), steps.begin(), steps.end())) {
      std::vector<double> joined;
      std::set_union(steps.begin(), steps.end(), x.begin(), x.end(), std::back_inserter(joined));
      steps = std::move(joined);
    }
  }
  bool starts_over = statistic != statistic_ || layers != layers_ || steps.size() < steps_.size() ||
                     !std::equal(steps_.begin(), steps_.end(), steps.begin());
  int per_column = starts_over ? 1 : per_column_;
  while (static_cast<int>(steps.size()) > kMostColumns * per_column) per_column *= 2;
  starts_over = starts_over || per_column != per_column_;
  const int before = columns_;
  steps_ = std::move(steps);
  per_column_ = per_column;
  columns_ = (static_cast<int>(steps_.size()) + per_column - 1) / per_column;
  if (starts_over) {
    statistic_ = statistic;
    layers_ = std::move(layers);
    done_.assign(curves.size(), 0);
    values_.clear();
    known_.clear();
  }
  const auto size = static_cast<std::size_t>(columns_) * curves.size();
  values_.resize(size, kUnknown);
  known_.resize(size, 0);
  int first = columns_;
  for (std::size_t row = 0; row < curves.size(); ++row) {
    const auto x = curves[row]->x();
    const auto y = curves[row]->y();
    if (x.size() == steps_.size()) {  // sampled at every step: no need to look the column up
      for (std::size_t i = done_[row]; i < x.size(); ++i) {
        const int column = static_cast<int>(i) / per_column_;
        take(int(row), column, y[i], least);
        first = std::min(first, column);
      }
    } else {
      for (std::size_t i = done_[row]; i < x.size(); ++i) {
        const int column = columnOf(x[i]);
        take(int(row), column, y[i], least);
        first = std::min(first, column);
      }
    }
    done_[row] = x.size();
  }
  if (starts_over) return 0;
  return first < columns_ || columns_ != before ? first : -1;
}

}  // namespace widgets
