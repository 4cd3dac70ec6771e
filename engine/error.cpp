// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/error.h"

namespace engine {
namespace {

std::string joined(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += to_string(problem);
  }
  return text;
}

}  // namespace

Error::Error(std::string message)
    : std::runtime_error(message), problems_{Problem{.message = std::move(message)}} {}

Error::Error(Problem problem) : Error(std::vector<Problem>{std::move(problem)}) {}

Error::Error(std::vector<Problem> problems)
    : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}

Error::~Error() = default;

void fail(std::string id, Place place, std::string message, std::string remedy) {
  throw Error(Problem{.id = std::move(id),
                      .severity = Severity::error,
                      .place = std::move(place),
                      .value = {},
                      .message = std::move(message),
                      .remedy = std::move(remedy)});
}

}  // namespace engine
