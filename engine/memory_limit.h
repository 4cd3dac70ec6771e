// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace engine {

/// Bytes that this process may have at most: the machine's memory, or the control group's limit
/// where that is lower. 0 when unknown.
std::int64_t memory_limit();

/// Bytes that this process could still take without pushing others out: what the system calls
/// available, and what is left of the control group's limit where that is less. 0 when unknown.
std::int64_t available_memory();

}  // namespace engine
