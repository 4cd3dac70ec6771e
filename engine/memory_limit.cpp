// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace engine {

std::int64_t memory_limit() {
  std::int64_t limit = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  for (const char* name :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(name);
    std::int64_t bytes = 0;  // the word "max" is none
    if (file >> bytes && bytes > 0) limit = std::min(limit, bytes);
  }
  return std::max<std::int64_t>(0, limit);
}

}  // namespace engine
