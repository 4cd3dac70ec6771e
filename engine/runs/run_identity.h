// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>

namespace engine {

/// SHA-256 of the first run_started line of the folder's events, "" while there is none. It stays
/// the same when the run is resumed, moved or copied, and no other run has it: the line holds a
/// random id. Reads 1 MiB at most; any thread; never throws for what the folder holds.
std::string run_identity(const std::filesystem::path& run_dir);

}  // namespace engine
