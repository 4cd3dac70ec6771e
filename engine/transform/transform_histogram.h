// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace engine {

struct HistogramEntry {
  std::string pattern;              ///< as written in the file, or "default"
  std::vector<std::string> layers;  ///< in order of replacement: all attentions, then all Linears
};

/// Which pattern replaced which layers: upstream's transform_histogram.json. Patterns that replaced
/// nothing and layers left alone do not appear.
struct TransformHistogram {
  std::vector<HistogramEntry> entries;  ///< in the order of the file, `default` at its own place

  int layer_count() const;
};

/// Upstream's structure exactly, `total` last, keys in the order of the file.
std::string transform_histogram_json(const TransformHistogram& histogram);
/// Reads what transform_histogram_json wrote. Throws Error naming `file`.
TransformHistogram parse_transform_histogram(const std::string& json, const std::string& file);

}  // namespace engine
