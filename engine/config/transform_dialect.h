// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/yaml_document.h"

#include <string>

namespace engine {

/// The forms a transform file may have on disk. Only the first two are read so far.
enum class DiskDialect {
  c1_pattern_map,
  c2_bare_map,
  c3_sections,
  c4_attention_fc,
  c5_by_tree,
  c6_pretraining,
  unknown
};

/// By the keys at the root, as upstream's programs tell them apart.
DiskDialect dialect_of(const YamlNode& root);
bool is_toml_name(const std::string& file);
/// "sections (TOML) of the fine-tuning scripts", for messages.
const char* describe(DiskDialect dialect);

}  // namespace engine
