// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/trial/scan_entries.h"

#include "engine/statistics/paired_difference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace engine {
namespace {

constexpr double kEnough = 0.9;  // of what all distinguishable layers cost

double rank_value(const ScanEntry& entry) {
  if (entry.diverges) return std::numeric_limits<double>::infinity();
  return std::isnan(entry.one_on.value) ? cost_of(entry) : entry.one_on.value;
}

bool stands_out(const ScanEntry& entry) {
  if (entry.diverges) return true;
  const Estimate& cost = std::isnan(entry.one_off.value) ? entry.one_on : entry.one_off;
  return cost.value > 0 && is_distinguishable(cost);
}

}  // namespace

std::string kind_within_block(const std::string& layer) {
  constexpr const char* kBlocks = "model.layers.";
  const std::size_t start = std::char_traits<char>::length(kBlocks);
  if (layer.compare(0, start, kBlocks) != 0) return layer;
  const std::size_t dot = layer.find('.', start);
  return dot == std::string::npos ? layer : layer.substr(dot + 1);
}

std::vector<ScanEntry> scan_entries(const LayerInventory& inventory, const TransformPlan& plan,
                                    const ScanOptions& options, std::int64_t sequence) {
  double total = 0;
  std::map<std::string, double> flops;
  for (const LayerInfo& layer : inventory.layers()) {
    flops[layer.name] = forward_flops_per_token(layer, sequence);
    total += flops[layer.name];
  }
  std::vector<ScanEntry> layers;
  std::vector<ScanEntry> kinds;
  for (const Assignment& assignment : plan.assignments) {
    if (assignment.outcome != Outcome::transformed) continue;
    ScanEntry one;
    one.name = assignment.layer;
    one.layers = {assignment.layer};
    one.flops_share = flops[assignment.layer] / total;
    const std::string name = kind_within_block(assignment.layer);
    auto kind = std::find_if(kinds.begin(), kinds.end(),
                             [&](const ScanEntry& entry) { return entry.name == name; });
    if (kind == kinds.end()) {
      kinds.emplace_back();
      kind = std::prev(kinds.end());
      kind->name = name;
      kind->is_kind = true;
    }
    kind->layers.push_back(assignment.layer);
    kind->flops_share += one.flops_share;
    layers.push_back(std::move(one));
  }
  std::vector<ScanEntry> entries;
  for (ScanEntry& kind : kinds) {
    if (options.kinds && kind.layers.size() > 1) entries.push_back(std::move(kind));
  }
  if (options.layers) entries.insert(entries.end(), layers.begin(), layers.end());
  return entries;
}

double cost_of(const ScanEntry& entry) {
  if (entry.diverges) return std::numeric_limits<double>::infinity();
  return std::isnan(entry.one_off.value) ? entry.one_on.value : entry.one_off.value;
}

std::vector<ScanEntry> ranked(std::vector<ScanEntry> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const ScanEntry& a, const ScanEntry& b) {
    const double x = rank_value(a);
    const double y = rank_value(b);
    return std::isnan(y) ? !std::isnan(x) : x > y;
  });
  return entries;
}

std::vector<std::string> layers_to_keep(const std::vector<ScanEntry>& entries,
                                        double flops_budget) {
  std::vector<const ScanEntry*> candidates;
  double wanted = 0;
  for (const ScanEntry& entry : entries) {
    if (entry.is_kind || !stands_out(entry)) continue;
    candidates.push_back(&entry);
    if (!entry.diverges) wanted += kEnough * cost_of(entry);
  }
  std::stable_sort(
      candidates.begin(), candidates.end(),
      [](const ScanEntry* a, const ScanEntry* b) { return cost_of(*a) > cost_of(*b); });
  std::set<std::string> kept;
  double won = 0;
  double flops = 0;
  for (const ScanEntry* entry : candidates) {
    if (!entry->diverges && won >= wanted) break;
    if (flops + entry->flops_share > flops_budget) continue;
    flops += entry->flops_share;
    if (!entry->diverges) won += cost_of(*entry);
    kept.insert(entry->name);
  }
  std::vector<std::string> layers;
  for (const ScanEntry& entry : entries) {
    if (!entry.is_kind && kept.count(entry.name) > 0) layers.push_back(entry.name);
  }
  return layers;
}

}  // namespace engine
