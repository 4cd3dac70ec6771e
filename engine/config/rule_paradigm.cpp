// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/rule_paradigm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace engine {

std::vector<ParadigmName> paradigm_names(const std::vector<ParadigmInfo>& infos) {
  static const std::vector<ParadigmName> planned{
      {"pim", {}, false}, {"low_precision", {}, false}, {"spiking", {}, false}};
  std::vector<ParadigmName> names;
  names.reserve(infos.size() + planned.size());
  for (const ParadigmInfo& info : infos) names.push_back({info.id, info.key_prefixes, true});
  for (const ParadigmName& name : planned)
    if (!find_paradigm(infos, name.id)) names.push_back(name);
  return names;
}

std::vector<std::string> inferred_paradigms(const std::vector<std::string>& keys,
                                            const std::vector<ParadigmName>& names) {
  std::vector<std::string> found;
  for (const ParadigmName& name : names) {
    const bool claims = std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
      return std::any_of(
          name.key_prefixes.begin(), name.key_prefixes.end(),
          [&](const std::string& prefix) { return key.compare(0, prefix.size(), prefix) == 0; });
    });
    if (claims) found.push_back(name.id);
  }
  return found;
}

std::vector<Problem> problems_with_paradigm(const std::string& id,
                                            const std::vector<ParadigmName>& names) {
  std::vector<std::string> built_in;
  std::vector<std::string> all;
  const ParadigmName* known = nullptr;
  for (const ParadigmName& name : names) {
    if (name.is_built_in) built_in.push_back(name.id);
    all.push_back(name.id);
    if (name.id == id) known = &name;
  }
  if (known && known->is_built_in) return {};
  Problem problem;
  problem.id = "unknown-paradigm";
  problem.value = id;
  problem.message = known ? fmt::format("the paradigm {} is known, but not built in yet", id)
                          : fmt::format("there is no paradigm {}", id);
  const std::string near = known ? "" : nearest_name(id, all);
  problem.remedy =
      near.empty() ? fmt::format("Built in: {}; a TorchScript file is given by its path, ./name.pt",
                                 fmt::join(built_in, ", "))
                   : fmt::format("Did you mean {}?", near);
  return {problem};
}

}  // namespace engine
