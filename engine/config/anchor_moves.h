// SPDX-License-Identifier: GPL-3.0-or-later
// Anchors survive when the text around them is removed or moved: where a name would be used before
// it is defined, its first use becomes the definition.
#pragma once

#include "engine/config/text_edit.h"
#include "engine/config/yaml_layout.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine {

/// Where a byte of the text stands after the change, in an order of the caller's; nothing: removed.
using NewPosition = std::optional<std::pair<std::size_t, std::size_t>>;

/// Patches, in offsets of the unchanged text, after which every alias still means what it meant.
std::vector<TextPatch> anchor_patches(const YamlDocument& document,
                                      const std::function<NewPosition(std::size_t)>& new_position);

/// Takes the anchor off `node` and gives its content to the first alias of it: the others follow
/// that one from then on.
std::vector<TextPatch> detach_patches(const YamlDocument& document, const YamlNode& node);

/// Takes the anchors off that are written within [begin, end).
std::vector<TextPatch> without_anchors(const YamlDocument& document, std::size_t begin,
                                       std::size_t end);

/// The node in one line, as it may stand within braces: `{q_levels: 256, <<: *common}`. Aliases
/// stay aliases, anchors are left out.
std::string flow_text(const YamlDocument& document, const YamlNode& node);

}  // namespace engine
