// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/process_identity.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>

namespace engine {

std::optional<std::uint64_t> process_start_time(std::int64_t pid) {
  if (pid <= 0) return std::nullopt;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text, '\0')) return std::nullopt;
  // The second field is the program's name in parentheses and may hold anything, parentheses too.
  const auto end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string state;
  std::string skipped;
  fields >> state;
  if (state == "Z" || state == "X") return std::nullopt;
  for (int field = 4; field <= 21; ++field) fields >> skipped;
  std::uint64_t start_time = 0;
  if (!(fields >> start_time)) return std::nullopt;
  return start_time;
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

double unix_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return double(std::chrono::duration_cast<std::chrono::microseconds>(now).count()) * 1e-6;
}

}  // namespace engine
