// SPDX-License-Identifier: GPL-3.0-or-later
// TOML as the same tree of nodes as YAML, so that what reads rules need not know. The only part of
// the project that includes toml++.
#pragma once

#include "engine/config/yaml_document.h"

#include <memory>
#include <string>
#include <vector>

namespace engine {

/// Tables, booleans, whole and real numbers, strings and arrays of them; other types, and what is
/// no TOML, are located problems ("bad-toml"). The root is null when nothing could be read. Never
/// throws for what a text can hold.
std::unique_ptr<YamlDocument> read_toml(const std::string& text, const std::string& file,
                                        std::vector<Problem>& problems);

}  // namespace engine
