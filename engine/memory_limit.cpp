// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

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

std::int64_t available_memory() {
  std::int64_t available = 0;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    const std::string name = "MemAvailable:";
    if (line.starts_with(name)) available = std::atoll(line.c_str() + name.size()) * 1024;
  }
  std::ifstream limit_file("/sys/fs/cgroup/memory.max");
  std::ifstream use_file("/sys/fs/cgroup/memory.current");
  std::int64_t limit = 0;  // the word "max" is none
  std::int64_t use = 0;
  if (limit_file >> limit && use_file >> use) {
    std::ifstream parts("/sys/fs/cgroup/memory.stat");
    std::string name;
    std::int64_t bytes = 0;
    while (parts >> name >> bytes) {
      // Cached files give way.
      if (name == "active_file" || name == "inactive_file") use -= bytes;
    }
    const std::int64_t left = std::max<std::int64_t>(1, limit - use);
    available = available == 0 ? left : std::min(available, left);
  }
  return available;
}

}  // namespace engine
