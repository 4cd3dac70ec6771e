// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"

#include <filesystem>
#include <optional>
#include <string>

namespace engine {

/// Why `file`, which `flag` names, cannot be written: no folder, one without permission, or a
/// folder, a device, a pipe or the program's own stdout in its place. Found before minutes of work
/// are lost. Nothing when it can, or when it is empty.
std::optional<Problem> output_file_problem(const std::string& flag, const std::string& file);

/// Why no file can be made in `folder`, or `folder` itself not be made: nothing may be written
/// there or in the nearest folder above it that exists, or a file stands in the way. Empty when it
/// can. From looking alone.
std::string obstacle_to_folder(const std::filesystem::path& folder);

/// `folder`, or the nearest folder above it that exists.
std::filesystem::path nearest_existing_folder(const std::filesystem::path& folder);

/// Whether both name one file, also through links; never where one is empty.
bool is_same_file(const std::string& a, const std::string& b);

}  // namespace engine
