// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/layer_series.h"

#include <QString>
#include <QStringList>

#include <cstdint>
#include <string>
#include <vector>

namespace widgets {

/// One statistic of all layers over the steps of a run, as a grid: a row for each layer, a column
/// for each sampled step, or for several where there are more than `kMostColumns`. A column of
/// several keeps the worst of each layer: the least for decibels, else the largest; what is not a
/// number above all. Grows with the run.
class LayerStepGrid {
 public:
  static constexpr int kMostColumns = 2048;

  /// Layers that have the statistic, in the order of `order`, those it lacks behind them. Returns
  /// the first column that is new or changed, -1 when nothing is, 0 when all are.
  int follow(const engine::LayerSeries& series, const std::string& statistic,
             const QStringList& order);
  void clear();

  const QStringList& layers() const { return layers_; }
  int rows() const { return static_cast<int>(layers_.size()); }
  int columns() const { return columns_; }
  /// NaN: nothing measured, or not a number; has() tells which.
  double value(int row, int column) const { return values_[index(row, column)]; }
  bool has(int row, int column) const { return known_[index(row, column)] != 0; }
  double step(int column) const;  ///< the last one in it
  int columnOf(double step) const;

 private:
  std::size_t index(int row, int column) const {
    return static_cast<std::size_t>(column) * static_cast<std::size_t>(rows()) +
           static_cast<std::size_t>(row);
  }
  void take(int row, int column, double value, bool least);

  std::string statistic_;
  QStringList layers_;
  std::vector<double> steps_;      ///< all sampled ones
  std::vector<std::size_t> done_;  ///< of each row's curve: points taken
  std::vector<float> values_;      ///< by column, then row
  std::vector<std::uint8_t> known_;
  int columns_ = 0;
  int per_column_ = 1;
};

}  // namespace widgets
