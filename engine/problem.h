// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace engine {

enum class Severity { note, warning, error };

/// Where something stands: a file position (1-based; 0 = unknown), or a flag or form field named in
/// `file`.
struct Place {
  std::string file{};
  int line = 0;
  int column = 0;
};

/// Something a user can cause and can mend. A value, not an exception: all of them are shown at
/// once.
struct Problem {
  std::string id{};  ///< stable, kebab-case: "duplicate-key", "unmatched-layer", "bad-value"
  Severity severity = Severity::error;
  Place place{};
  std::string value{};    ///< the offending value as written; may be empty
  std::string message{};  ///< names the thing and the value
  std::string remedy{};   ///< the way out; may be empty
};

bool has_errors(const std::vector<Problem>& problems);

/// "file:line:column", "file", or "" when nothing is known.
std::string to_string(const Place& place);
/// "file:line:column: error: message (remedy) [id]": one line, as compilers print them.
std::string to_string(const Problem& problem);
const char* to_string(Severity severity);

}  // namespace engine
