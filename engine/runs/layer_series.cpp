// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/layer_series.h"

#include <algorithm>

namespace engine {
namespace {

void note(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

void LayerSeries::append(const LayerStats& stats) {
  for (const LayerStat& stat : stats.values) {
    const auto [curve, is_new] = curves_.try_emplace({stat.layer, stat.statistic});
    curve->second.append(static_cast<double>(stats.step), stat.value);
    if (!is_new) continue;
    note(layers_, stat.layer);
    note(statistics_, stat.statistic);
  }
}

void LayerSeries::rewind_to(std::int64_t step) {
  for (auto& [name, curve] : curves_) curve.rewind_to(static_cast<double>(step));
}

void LayerSeries::clear() { *this = {}; }

const RunSeries* LayerSeries::find(const std::string& layer, const std::string& statistic) const {
  const auto found = curves_.find({layer, statistic});
  return found == curves_.end() ? nullptr : &found->second;
}

}  // namespace engine
