// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/missing_replicas.h"

#include "engine/compare/comparable_paths.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// "plain-seed42" with 43 is "plain-seed43", "plain-1" with 2 is "plain-2", "plain" is
/// "plain-seed43"; a name that is taken gets a number.
fs::path free_folder(const ComparableRun& like, std::int64_t seed,
                     const std::set<fs::path>& taken) {
  const fs::path folder = without_slash(like.path);
  std::string name = folder.filename().string();
  const std::string old_seed = std::to_string(like.training_seed());
  const bool ends_with_seed =
      name.size() > old_seed.size() && name.ends_with(old_seed) &&
      std::isdigit(static_cast<unsigned char>(name[name.size() - old_seed.size() - 1])) == 0;
  name = ends_with_seed ? name.substr(0, name.size() - old_seed.size()) + std::to_string(seed)
                        : fmt::format("{}-seed{}", name, seed);
  fs::path path = folder.parent_path() / name;
  std::error_code ignored;
  for (int i = 2; fs::exists(path, ignored) || taken.count(path) > 0; ++i)
    path = folder.parent_path() / fmt::format("{}-{}", name, i);
  return path;
}

}  // namespace

std::vector<MissingReplica> missing_replicas(const std::vector<const ComparableRun*>& runs,
                                             const RunComparison& comparison,
                                             const FurtherSeeds& further) {
  std::map<std::size_t, std::set<std::int64_t>> known;  // seeds by group
  std::set<std::int64_t> all;
  for (std::size_t group = 0; group < comparison.groups.size(); ++group) {
    for (const std::size_t run : comparison.groups[group].runs) {
      const std::int64_t seed = runs[run]->training_seed();
      if (runs[run]->parameters.empty() || seed < 0) continue;
      known[group].insert(seed);
      all.insert(seed);
    }
  }
  const bool is_balanced =
      std::all_of(known.begin(), known.end(), [&](const auto& each) { return each.second == all; });
  const std::int64_t next = all.empty() ? 0 : *all.rbegin() + 1;
  std::vector<MissingReplica> missing;
  std::set<fs::path> taken;
  for (const auto& [group, seeds] : known) {
    std::set<std::int64_t> wanted = all;
    for (std::int64_t i = 0; is_balanced && i < further.count; ++i) {
      if (further.groups.count(group) > 0) wanted.insert(next + i);
    }
    for (const std::int64_t seed : wanted) {
      if (seeds.count(seed) > 0) continue;
      const std::size_t like = comparison.groups[group].runs.front();
      missing.push_back({group, like, seed, free_folder(*runs[like], seed, taken)});
      taken.insert(missing.back().output_dir);
    }
  }
  return missing;
}

FurtherSeeds seeds_worth_adding(const RunComparison& comparison) {
  constexpr std::int64_t kMost = 12;
  FurtherSeeds further;
  for (const Verdict& verdict : comparison.verdicts) {
    if (verdict.metric != comparison.options.metrics.front()) continue;
    const bool is_single = verdict.base.runs > 0 && verdict.other.runs > 0 &&
                           verdict.base.not_finite + verdict.other.not_finite == 0 &&
                           verdict.difference.method == ComparisonMethod::none;
    const std::int64_t more = is_single ? 2 : verdict.needed ? verdict.needed->more : 0;
    if (more <= 0 || more > kMost || (further.count > 0 && more > further.count)) continue;
    if (more < further.count) further.groups.clear();
    further.count = more;
    further.groups.insert({comparison.base_group, verdict.group});
  }
  return further;
}

ParamValues values_of(const MissingReplica& replica, const ComparableRun& like) {
  ParamValues values = like.parameters;
  for (const char* name :
       {"model_name_or_path", "config_name", "tokenizer_name", "train_file", "validation_file"}) {
    const ParamValue value = values.get(name);
    const auto* written = std::get_if<std::string>(&value);
    if (written == nullptr) continue;
    const fs::path found = path_in_run(*written, like.path);
    if (!found.empty()) values.set(name, fs::absolute(found).string());
  }
  const fs::path transform = RunFolder{like.path}.transform_yaml();
  std::error_code ignored;
  if (fs::exists(transform, ignored))
    values.set("transform_config", fs::absolute(transform).string());
  values.set("seed", replica.seed);
  values.set("output_dir", replica.output_dir.string());
  values.set("overwrite_output_dir", false);
  values.set("resume_from_checkpoint", std::monostate{});
  return values;
}

}  // namespace engine
