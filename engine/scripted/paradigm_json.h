// SPDX-License-Identifier: GPL-3.0-or-later
// extra/paradigm.json of a scripted paradigm: what a module's own declarations cannot say.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/scripted/scripted_file.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine::scripted {

struct ParadigmJson {
  std::string title;
  std::string summary;
  std::optional<std::vector<std::string>> targets;  ///< "linear", "attention"
  std::optional<std::vector<std::string>> state;
  std::vector<ScriptedNoise> noises;  ///< by argument name

  /// Adds what the JSON says about `spec.name`.
  void describe(ParamSpec& spec, std::vector<Problem>& problems) const;
  const ScriptedNoise* noise(const std::string& name) const;

  struct Described {
    std::string label, help, unit, group;
    std::optional<double> minimum, maximum;
    bool minimum_open = false, maximum_open = false;
    bool log_scale = false;
    std::vector<std::string> choices;
  };
  std::map<std::string, Described> described;
};

/// Unknown keys and values of a wrong kind are added to `problems`, which name `file`.
ParadigmJson read_paradigm_json(std::string_view text, const std::string& file,
                                std::vector<Problem>& problems);

}  // namespace engine::scripted
