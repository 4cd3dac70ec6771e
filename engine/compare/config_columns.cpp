// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/config_columns.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace engine {
namespace {

constexpr const char* kAbsent = "–";

constexpr std::array<std::string_view, 17> kBookkeeping = {"output_dir",
                                                           "overwrite_output_dir",
                                                           "resume_from_checkpoint",
                                                           "allow_transform_change",
                                                           "device",
                                                           "preprocessing_num_workers",
                                                           "dataloader_num_workers",
                                                           "save_strategy",
                                                           "save_steps",
                                                           "save_total_limit",
                                                           "layer_stats_steps",
                                                           "eval_steps",
                                                           "per_device_eval_batch_size",
                                                           "do_train",
                                                           "do_eval",
                                                           "max_eval_samples",
                                                           "calibrate_batches"};

bool is_different(const ConfigColumn& column) {
  return std::any_of(column.values.begin(), column.values.end(),
                     [&](const std::string& value) { return value != column.values.front(); });
}

/// Of every rule parameter the one value that all layers have it at.
std::map<std::string, std::string> rule_values(const TransformPlan& plan) {
  std::map<std::string, std::string> values;
  for (const Assignment& assignment : plan.assignments) {
    if (assignment.outcome != Outcome::transformed) continue;
    for (const PlacedValue& entry : assignment.values.entries()) {
      const std::string text = to_string(entry.value);
      const auto [found, is_new] = values.emplace(entry.name, text);
      if (!is_new && found->second != text) found->second = "mixed";
    }
  }
  return values;
}

template <typename ValueOf>
void add_column(std::vector<ConfigColumn>& columns, const std::string& name, bool is_transform,
                const std::vector<const ComparableRun*>& runs, ValueOf&& value_of) {
  ConfigColumn column{name, is_transform, {}};
  for (std::size_t i = 0; i < runs.size(); ++i) column.values.push_back(value_of(i));
  if (is_different(column)) columns.push_back(std::move(column));
}

}  // namespace

bool is_bookkeeping(const std::string& parameter) {
  return std::find(kBookkeeping.begin(), kBookkeeping.end(), parameter) != kBookkeeping.end();
}

std::vector<ConfigColumn> differing_columns(const std::vector<const ComparableRun*>& runs) {
  std::vector<ConfigColumn> columns;
  if (runs.empty()) return columns;
  add_column(columns, "transform", true, runs, [&](std::size_t i) {
    return runs[i]->source == RunSource::run_folder ? runs[i]->transform_label
                                                    : std::string(to_string(runs[i]->source));
  });
  std::vector<std::map<std::string, std::string>> rules;
  std::map<std::string, bool> names;
  for (const ComparableRun* run : runs) {
    rules.push_back(rule_values(run->effect.plan));
    for (const auto& [name, value] : rules.back()) names[name] = true;
  }
  // Only where two transformed runs differ: against a plain one every parameter would.
  for (const auto& [name, unused] : names) {
    std::string first;
    bool differs = false;
    for (const auto& values : rules) {
      const auto found = values.find(name);
      if (found == values.end()) continue;
      differs = differs || (!first.empty() && found->second != first);
      first = found->second;
    }
    if (!differs) continue;
    add_column(columns, name, true, runs, [&](std::size_t i) {
      const auto found = rules[i].find(name);
      return found == rules[i].end() ? std::string(kAbsent) : found->second;
    });
  }
  const auto widest = std::max_element(
      runs.begin(), runs.end(), [](const ComparableRun* a, const ComparableRun* b) {
        return a->parameters.entries().size() < b->parameters.entries().size();
      });
  for (const PlacedValue& entry : (*widest)->parameters.entries()) {
    if (is_bookkeeping(entry.name) || entry.name == "transform_config") continue;
    add_column(columns, entry.name, false, runs, [&](std::size_t i) {
      const PlacedValue* found = runs[i]->parameters.find(entry.name);
      return found == nullptr ? std::string(kAbsent) : to_string(found->value);
    });
  }
  return columns;
}

std::vector<std::string> differing_labels(const std::vector<ConfigColumn>& columns,
                                          std::size_t runs) {
  std::vector<std::string> labels(runs);
  for (std::size_t i = 0; i < runs; ++i) {
    for (const ConfigColumn& column : columns) {
      const std::string& value = column.values[i];
      if (value == kAbsent) continue;
      labels[i] += labels[i].empty() ? "" : " ";
      labels[i] += column.name == "transform" ? value : column.name + "=" + value;
    }
  }
  return labels;
}

}  // namespace engine
