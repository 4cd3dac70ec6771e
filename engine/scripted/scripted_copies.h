// SPDX-License-Identifier: GPL-3.0-or-later
// A run folder and each checkpoint keep the TorchScript files of their transform, beside
// transform.yaml, so that it can be applied again when the originals have changed or are gone.
#pragma once

#include "engine/config/transform_config.h"

#include <filesystem>
#include <map>
#include <string>

namespace engine {

/// File name -> content: transform.<id>.pt for every TorchScript file of `config`.
std::map<std::string, std::string> scripted_copies(const TransformConfig& config);

/// Removes what an earlier run left.
void remove_scripted_copies(const std::filesystem::path& folder);

}  // namespace engine
