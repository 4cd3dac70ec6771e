// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/transform_config.h"
#include "engine/config/yaml_document.h"

#include <string>

namespace engine {

/// By the keys at the root, as upstream's programs tell them apart.
TransformDialect dialect_of(const YamlNode& root);
/// The block transform_args of a full pretraining file, `value:` of a tracker's dump taken off;
/// null when there is none.
const YamlNode* transform_block(const YamlNode& root);
bool is_toml_name(const std::string& file);
/// "sections (TOML) of the fine-tuning scripts", for messages.
const char* describe(TransformDialect dialect);

}  // namespace engine
