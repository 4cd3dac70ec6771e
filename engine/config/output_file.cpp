// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/output_file.h"

#include "engine/runs/atomic_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace engine {
namespace {

namespace fs = std::filesystem;

Problem problem(const char* id, const std::string& flag, const std::string& file,
                const std::string& message, const char* remedy) {
  return {.id = id,
          .severity = Severity::error,
          .place = {.file = flag},
          .value = file,
          .message = message,
          .remedy = remedy};
}

/// Also /dev/stdout: replacing the file would leave what is printed without a name.
bool is_standard_output(const std::string& file) {
  struct stat named = {};
  struct stat printed = {};
  return stat(file.c_str(), &named) == 0 && fstat(STDOUT_FILENO, &printed) == 0 &&
         named.st_dev == printed.st_dev && named.st_ino == printed.st_ino;
}

}  // namespace

std::optional<Problem> output_file_problem(const std::string& flag, const std::string& file) {
  if (file.empty()) return std::nullopt;
  std::error_code ignored;
  if (const std::string obstacle = obstacle_at(file); !obstacle.empty()) {
    return problem("bad-value", flag, file, file + " " + obstacle, "Name a plain file");
  }
  if (is_standard_output(file)) {
    return problem("bad-value", flag, file, file + " is where stdout goes", "Name another file");
  }
  const fs::path folder = fs::absolute(link_target(file), ignored).parent_path();
  if (!fs::is_directory(folder, ignored)) {
    return problem("no-folder", flag, file, "there is no folder " + folder.string(),
                   "Create it, or name another file");
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return problem("no-permission", flag, file, "nothing may be written in " + folder.string(),
                   "Name a file in another folder");
  }
  return std::nullopt;
}

fs::path nearest_existing_folder(const fs::path& folder) {
  std::error_code error;
  fs::path at = fs::absolute(folder, error).lexically_normal();
  while (!at.empty() && !fs::is_directory(at, error) && at != at.parent_path()) {
    at = at.parent_path();
  }
  return at;
}

std::string obstacle_to_folder(const fs::path& folder) {
  const fs::path there = nearest_existing_folder(folder);
  if (access(there.c_str(), W_OK | X_OK) != 0) return there.string() + ": " + std::strerror(errno);
  std::error_code error;
  const fs::path rest = fs::absolute(folder, error).lexically_normal().lexically_relative(there);
  if (rest.empty() || rest == ".") return "";
  // A link that leads nowhere is there as well.
  const fs::path next = there / *rest.begin();
  const bool is_there = fs::exists(fs::symlink_status(next, error));
  return is_there && !fs::is_directory(next, error) ? next.string() + " is not a folder" : "";
}

bool is_same_file(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  const fs::path first = fs::weakly_canonical(a, error);
  if (error) return false;
  const fs::path second = fs::weakly_canonical(b, error);
  return !error && first == second;
}

}  // namespace engine
