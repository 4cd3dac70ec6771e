// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ctime>

namespace engine {

/// Processor time that all threads of this process have taken, in seconds.
inline double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace engine
