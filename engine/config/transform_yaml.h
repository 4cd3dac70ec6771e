// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/transform_config.h"

#include <string>

namespace engine {

/// A transform file for rules that were made by a program: every rule in order, its paradigm named,
/// its values as they stand. `comment`, without its #, goes on top. Reading it back gives the same
/// rules. What a person wrote is not to be replaced by it: comments and anchors are lost.
std::string transform_yaml(const TransformConfig& config, const std::string& comment);

}  // namespace engine
