// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_event.h"
#include "engine/runs/run_series.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace engine {

/// What the layers of a run measured, a curve for each layer and statistic.
class LayerSeries {
 public:
  void append(const LayerStats& stats);
  void rewind_to(std::int64_t step);  ///< drops points with a larger step
  void clear();

  bool empty() const { return layers_.empty(); }
  const std::vector<std::string>& layers() const { return layers_; }          ///< in module order
  const std::vector<std::string>& statistics() const { return statistics_; }  ///< as first met
  /// Null when that layer never reported it.
  const RunSeries* find(const std::string& layer, const std::string& statistic) const;

 private:
  std::vector<std::string> layers_;
  std::vector<std::string> statistics_;
  std::map<std::pair<std::string, std::string>, RunSeries> curves_;
};

}  // namespace engine
