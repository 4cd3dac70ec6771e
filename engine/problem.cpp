// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/problem.h"

#include <algorithm>

namespace engine {

bool has_errors(const std::vector<Problem>& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const Problem& problem) { return problem.severity == Severity::error; });
}

std::string to_string(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) {
    text += ":" + std::to_string(place.line);
    if (place.column > 0) text += ":" + std::to_string(place.column);
  }
  return text;
}

const char* to_string(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "error";
}

std::string to_string(const Problem& problem) {
  std::string text = to_string(problem.place);
  if (!text.empty()) text += ": ";
  text += to_string(problem.severity);
  text += ": " + problem.message;
  if (!problem.remedy.empty()) text += ". " + problem.remedy;
  if (!problem.id.empty()) text += " [" + problem.id + "]";
  return text;
}

}  // namespace engine
