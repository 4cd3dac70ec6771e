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

/// Equal for runs that compute the same but for their seeds, as far as their own files say.
std::string identity_of(const ComparableRun& run, std::size_t index) {
  if (run.source != RunSource::run_folder || run.parameters.empty() || !run.is_effect_known)
    return fmt::format("alone {}", index);
  std::string text = digest_without_seeds(run.effect.plan);
  for (const PlacedValue& entry : run.parameters.entries()) {
    if (entry.name == "seed" || entry.name == "transform_config" || is_bookkeeping(entry.name))
      continue;
    text += fmt::format("\n{}={}", entry.name, to_string(entry.value));
  }
  return text;
}

bool agree(const std::string& one, const std::string& other) {
  return one.empty() || other.empty() || one == other;
}

/// Model and tokenizer are looked up elsewhere: where they cannot be found nothing speaks against
/// it.
bool have_same_model(const ComparableRun& one, const ComparableRun& other) {
  return agree(one.model.architecture, other.model.architecture) &&
         agree(one.tokenizer_digest, other.tokenizer_digest);
}

}  // namespace

std::vector<SeedGroup> seed_groups(const std::vector<const ComparableRun*>& runs) {
  std::vector<SeedGroup> groups;
  std::map<std::string, std::vector<std::size_t>> known;  // groups by identity
  for (std::size_t i = 0; i < runs.size(); ++i) {
    auto& candidates = known[identity_of(*runs[i], i)];
    const auto found = std::find_if(candidates.begin(), candidates.end(), [&](std::size_t group) {
      const auto& members = groups[group].runs;
      return std::all_of(members.begin(), members.end(), [&](std::size_t member) {
        return have_same_model(*runs[member], *runs[i]);
      });
    });
    if (found != candidates.end()) {
      groups[*found].runs.push_back(i);
      continue;
    }
    candidates.push_back(groups.size());
    groups.push_back({"", {i}});
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
  struct Member {
    CurveView curve;
    std::size_t at = 0;
  };
  std::vector<Member> members;
  for (const std::size_t index : group.runs) {
    if (const auto curve = runs[index]->metrics.find(metric)) members.push_back({*curve});
  }
  result.runs = static_cast<std::int64_t>(members.size());
  if (members.empty()) return result;
  const double count = static_cast<double>(members.size());
  for (const double step : members.front().curve.step) {
    bool is_shared = true;
    double sum = 0;
    for (Member& member : members) {
      const auto& steps = member.curve.step;
      while (member.at < steps.size() && steps[member.at] < step) ++member.at;
      is_shared = is_shared && member.at < steps.size() && steps[member.at] == step;
      if (is_shared) sum += member.curve.value[member.at];
    }
    if (!is_shared) continue;
    const double mean = sum / count;
    double squares = 0;
    for (const Member& member : members) {
      const double apart = member.curve.value[member.at] - mean;
      squares += apart * apart;
    }
    result.step.push_back(step);
    result.mean.push_back(mean);
    result.deviation.push_back(std::sqrt(squares / (count - 1)));  // NaN of a single run
  }
  return result;
}

}  // namespace engine
