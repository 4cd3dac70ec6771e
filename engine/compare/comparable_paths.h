// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <vector>

namespace engine {

/// What can be compared at `path`: the run folder or foreign log that it is, or the run folders and
/// folders with foreign logs directly below it, by name. Empty when there is nothing.
std::vector<std::filesystem::path> comparable_paths(const std::filesystem::path& path);

/// "runs/a" for "runs/a/".
std::filesystem::path without_slash(const std::filesystem::path& path);

}  // namespace engine
