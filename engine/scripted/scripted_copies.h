// SPDX-License-Identifier: GPL-3.0-or-later
// A run folder and each checkpoint keep the TorchScript files of their transform, beside
// transform.yaml, so that it can be applied again when the originals have changed or are gone.
#pragma once

#include "engine/config/transform_config.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace engine {

/// File name -> content: transform.<id>.pt for every TorchScript file of `config`.
std::map<std::string, std::string> scripted_copies(const TransformConfig& config);

/// The files of `folder` that are named like such copies.
std::vector<std::filesystem::path> scripted_copies_in(const std::filesystem::path& folder);

}  // namespace engine
