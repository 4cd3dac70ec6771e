// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"

#include <optional>
#include <string>

namespace engine {

/// Why `file`, which `flag` names, cannot be written: no folder, one without permission, or a
/// folder, a device, a pipe or the program's own stdout in its place. Found before minutes of work
/// are lost. Nothing when it can, or when it is empty.
std::optional<Problem> output_file_problem(const std::string& flag, const std::string& file);

/// Whether both name one file, also through links; never where one is empty.
bool is_same_file(const std::string& a, const std::string& b);

}  // namespace engine
