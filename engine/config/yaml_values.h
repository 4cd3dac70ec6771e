// SPDX-License-Identifier: GPL-3.0-or-later
// YAML scalars as parameter values, with the differences between YAML 1.1 (PyYAML) and 1.2 settled
// by what is expected.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/config/yaml_document.h"

#include <optional>
#include <string>
#include <vector>

namespace engine {

/// The value of `pair` for `spec`, by type only: ranges are for problems_in(). Nothing when a
/// problem was reported.
std::optional<ParamValue> read_yaml_value(const ParamSpec& spec, const YamlPair& pair,
                                          const YamlDocument& document,
                                          std::vector<Problem>& problems);

/// A key's text. Reports keys that YAML reads as something else than text (`yes`, `12`, `null`):
/// they need quotes.
std::optional<std::string> read_yaml_key(const YamlNode& key, const YamlDocument& document,
                                         std::vector<Problem>& problems);

/// A plain word that every YAML reader takes as text: no number, boolean or null.
bool reads_as_text(const std::string& word);

/// A scalar as YAML text that every reader takes as that string: quoted where it must be.
std::string yaml_text(const std::string& text);

Problem problem_at(const char* id, Place place, std::string value, std::string message,
                   std::string remedy = "");

}  // namespace engine
