// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "engine/config/param_schema.h"
#include "engine/transform/layer_inventory.h"

namespace engine {

/// The torch-free half of a compute paradigm: what it is and what may be set. See CONTRIBUTING.md, "Add a paradigm".
struct ParadigmInfo {
  std::string id;                         ///< folder name and YAML `paradigm` value: "optical_transformer"
  std::string title;                      ///< "Optical transformer"
  std::string summary;                    ///< one sentence for lists and help
  std::vector<std::string> key_prefixes;  ///< keys that imply this paradigm in a rule without `paradigm`: "q_"
  std::vector<LayerKind> targets;         ///< kinds of layer it can replace
  RuleSchema schema;
  /// Values under which it simulates something, when its defaults do not: the conformance checks run under them.
  ParamValues example{};
  /// Values under which a replacement is the plain layer, beside any boolean with "bypass" in its name.
  ParamValues neutral{};
  std::string digest{};  ///< SHA-256 of the file it was read from; empty for a built-in paradigm

  bool handles(LayerKind kind) const;
};

/// All built-in paradigms, by id. The list is written by CMake from the folders of engine/paradigms.
std::vector<ParadigmInfo> paradigm_infos();

const ParadigmInfo* find_paradigm(const std::vector<ParadigmInfo>& infos, const std::string& id);

}  // namespace engine
