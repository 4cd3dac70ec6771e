// SPDX-License-Identifier: GPL-3.0-or-later
// Who writes a run: a process id alone is recycled, with its start time it is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace engine {

/// Field 22 of /proc/<pid>/stat (clock ticks since boot). std::nullopt when there is no such
/// process or only its zombie is left.
std::optional<std::uint64_t> process_start_time(std::int64_t pid);

std::string host_name();

/// Seconds since the epoch, to the microsecond.
double unix_time();

}  // namespace engine
