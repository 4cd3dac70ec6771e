// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/comparable_paths.h"

#include "engine/compare/foreign_run.h"
#include "engine/runs/run_catalog.h"

#include <algorithm>

namespace engine {

namespace fs = std::filesystem;

std::vector<fs::path> comparable_paths(const fs::path& given) {
  const fs::path path = without_slash(given);
  if (is_foreign_run(path)) return {path};
  std::vector<fs::path> found = find_runs(path);
  if (found.size() == 1 && found.front() == path) return found;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const bool is_folder = it->is_directory(ignored);
    if (is_folder && std::find(found.begin(), found.end(), it->path()) == found.end()) {
      if (is_foreign_run(it->path())) {
        found.push_back(it->path());
      } else {
        // An export keeps a foreign log in a folder of its own.
        std::vector<fs::path> logs;
        for (fs::directory_iterator in(it->path(), ignored), last; !ignored && in != last;
             in.increment(ignored)) {
          if (is_foreign_run(in->path()) && in->path().extension() != ".json")
            logs.push_back(in->path());
        }
        if (logs.size() == 1) found.push_back(logs.front());
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

fs::path without_slash(const fs::path& path) {
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

}  // namespace engine
