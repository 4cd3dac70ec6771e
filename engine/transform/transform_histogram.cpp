// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_histogram.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace engine {

using Json = nlohmann::ordered_json;

int TransformHistogram::layer_count() const {
  int count = 0;
  for (const HistogramEntry& entry : entries) count += static_cast<int>(entry.layers.size());
  return count;
}

std::string transform_histogram_json(const TransformHistogram& histogram) {
  Json json = Json::object();
  for (const HistogramEntry& entry : histogram.entries)
    json[entry.pattern] = {{"count", entry.layers.size()}, {"layers", entry.layers}};
  json.erase("total");
  json["total"] = {{"layer count", histogram.layer_count()},
                   {"pattern count", histogram.entries.size()}};
  return json.dump(4, ' ', false, Json::error_handler_t::replace) + "\n";
}

TransformHistogram parse_transform_histogram(const std::string& text, const std::string& file) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object())
    fail("bad-json", {file, 0, 0}, fmt::format("{} is no transform histogram", file));
  TransformHistogram histogram;
  for (const auto& [pattern, entry] : json.items()) {
    if (pattern == "total") continue;
    const bool is_entry =
        entry.is_object() && entry.contains("layers") && entry["layers"].is_array();
    if (!is_entry)
      fail("bad-json", {file, 0, 0},
           fmt::format("{}: the entry {} has no list of layers", file, pattern));
    HistogramEntry read{pattern, {}};
    for (const Json& layer : entry["layers"]) {
      if (!layer.is_string())
        fail("bad-json", {file, 0, 0},
             fmt::format("{}: a layer of {} is not a name", file, pattern));
      read.layers.push_back(layer.get<std::string>());
    }
    histogram.entries.push_back(std::move(read));
  }
  return histogram;
}

}  // namespace engine
