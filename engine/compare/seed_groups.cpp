// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/seed_groups.h"

#include "engine/compare/config_columns.h"
#include "engine/statistics/sample_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace engine {
namespace {

/// Equal for runs that compute the same but for their seeds.
std::string identity_of(const ComparableRun& run, std::size_t index) {
  if (run.source != RunSource::run_folder || run.parameters.empty() || !run.is_effect_known)
    return fmt::format("alone {}", index);
  std::string text = digest_without_seeds(run.effect.plan) + "\n" + run.tokenizer_digest + "\n" +
                     run.model.architecture;
  for (const PlacedValue& entry : run.parameters.entries()) {
    if (entry.name == "seed" || entry.name == "transform_config" || is_bookkeeping(entry.name))
      continue;
    text += fmt::format("\n{}={}", entry.name, to_string(entry.value));
  }
  return text;
}

}  // namespace

std::vector<SeedGroup> seed_groups(const std::vector<const ComparableRun*>& runs) {
  std::vector<SeedGroup> groups;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto [found, is_new] = known.emplace(identity_of(*runs[i], i), groups.size());
    if (is_new) groups.emplace_back();
    groups[found->second].runs.push_back(i);
  }
  std::vector<const ComparableRun*> firsts;
  for (const SeedGroup& group : groups) firsts.push_back(runs[group.runs.front()]);
  std::vector<ConfigColumn> columns = differing_columns(firsts);
  std::erase_if(columns, [](const ConfigColumn& column) {
    return column.name == "seed" || is_seed_parameter(column.name);
  });
  const auto labels = differing_labels(columns, groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const bool is_taken = std::count(labels.begin(), labels.end(), labels[i]) > 1;
    groups[i].label = labels[i].empty() || is_taken ? firsts[i]->name : labels[i];
  }
  return groups;
}

GroupResult result_of(const SeedGroup& group, const std::vector<const ComparableRun*>& runs,
                      const std::string& metric, const Statistic& statistic) {
  GroupResult result;
  std::map<std::int64_t, std::vector<double>> draws;
  std::int64_t unknown_seed = -1;
  for (const std::size_t index : group.runs) {
    const auto curve = runs[index]->metrics.find(metric);
    const auto value = curve ? statistic_of(*curve, statistic) : std::nullopt;
    if (!value) continue;
    result.first_step = result.runs == 0 ? value->step : std::min(result.first_step, value->step);
    result.last_step = std::max(result.last_step, value->step);
    ++result.runs;
    result.not_finite += std::isfinite(value->value) ? 0 : 1;
    const std::int64_t seed = runs[index]->training_seed();
    draws[seed >= 0 ? seed : unknown_seed--].push_back(value->value);
  }
  std::vector<std::vector<double>> lists;
  std::vector<double> means;
  for (auto& [seed, values] : draws) {
    means.push_back(statistics_of(values).mean);
    result.seeds.push_back({seed, means.back()});
    lists.push_back(std::move(values));
  }
  result.mean = statistics_of(means).mean;
  result.sources = spread_sources(lists);
  return result;
}

GroupCurve group_curve(const SeedGroup& group, const std::vector<const ComparableRun*>& runs,
                       const std::string& metric) {
  GroupCurve result;
  std::map<double, std::vector<double>> values;
  for (const std::size_t index : group.runs) {
    const auto curve = runs[index]->metrics.find(metric);
    if (!curve) continue;
    ++result.runs;
    for (std::size_t i = 0; i < curve->size(); ++i)
      values[curve->step[i]].push_back(curve->value[i]);
  }
  for (const auto& [step, list] : values) {
    if (static_cast<std::int64_t>(list.size()) != result.runs) continue;
    const SampleStatistics sample = statistics_of(list);
    result.step.push_back(step);
    result.mean.push_back(sample.mean);
    result.deviation.push_back(sample.deviation);
  }
  return result;
}

}  // namespace engine
