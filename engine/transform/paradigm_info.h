// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/transform/layer_inventory.h"

#include <functional>
#include <string>
#include <vector>

namespace engine {

/// The torch-free half of a compute paradigm: what it is and what may be set. See CONTRIBUTING.md,
/// "Add a paradigm".
struct ParadigmInfo {
  std::string id;       ///< folder name and YAML `paradigm` value: "optical_transformer"
  std::string title;    ///< "Optical transformer"
  std::string summary;  ///< one sentence for lists and help
  /// keys that imply this paradigm in a rule without `paradigm`: "q_"
  std::vector<std::string> key_prefixes;
  std::vector<LayerKind> targets;  ///< kinds of layer it can replace
  RuleSchema schema;
  /// Values under which it simulates something, when its defaults do not: the conformance checks
  /// run under them.
  ParamValues example{};
  /// Values under which a replacement is the plain layer, beside any boolean with "bypass" in its
  /// name.
  ParamValues neutral{};
  std::string digest{};  ///< SHA-256 of the file it was read from; empty for a built-in paradigm
  /// Defaults that depend on other values or on the kind of layer: changes what `given` leaves open
  /// in `values`, which hold every parameter, and unsets what has no meaning beside the others
  /// (said as "ignored"). May be empty.
  std::function<void(LayerKind kind, const ParamValues& given, ParamValues& values)> fill_in =
      nullptr;

  bool handles(LayerKind kind) const;
  /// Every parameter as a rule's layer of this kind gets it: given or default, and what takes
  /// effect of it.
  ParamValues requested_values(const ParamValues& given, LayerKind kind) const;
  ParamValues effective_values(const ParamValues& given, LayerKind kind) const;
};

/// All built-in paradigms, by id. The list is written by CMake from the folders of
/// engine/paradigms.
std::vector<ParadigmInfo> paradigm_infos();

const ParadigmInfo* find_paradigm(const std::vector<ParadigmInfo>& infos, const std::string& id);

}  // namespace engine
