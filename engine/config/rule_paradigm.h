// SPDX-License-Identifier: GPL-3.0-or-later
// Which compute paradigm a rule belongs to.
#pragma once

#include "engine/config/transform_config.h"
#include "engine/transform/paradigm_info.h"

#include <string>
#include <vector>

namespace engine {

/// What is known about a paradigm by name, built in or not.
struct ParadigmName {
  std::string id;
  std::vector<std::string> key_prefixes;
  bool is_built_in = true;
};

/// The built-in ones, then those that upstream has and this build has not.
std::vector<ParadigmName> paradigm_names(const std::vector<ParadigmInfo>& infos);

/// Every paradigm whose key prefixes one of `keys` starts with.
std::vector<std::string> inferred_paradigms(const std::vector<std::string>& keys,
                                            const std::vector<ParadigmName>& names);

/// Nothing when `id` is built in; else why it cannot be used, as a problem without a place.
std::vector<Problem> problems_with_paradigm(const std::string& id,
                                            const std::vector<ParadigmName>& names);

}  // namespace engine
