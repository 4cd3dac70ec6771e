// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace paradigm {

/// Exit codes of `paradigm`.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;    ///< a failure after the first step
inline constexpr int kBadInput = 2;  ///< found before anything was changed
inline constexpr int kStopped = 75;  ///< stopped by a signal after saving a whole step

/// One sub-command. commands/<name>_command.cpp defines `Command <name>_command()`; CMake writes
/// the list.
struct Command {
  std::string name;
  std::string summary;   ///< one line for `paradigm --help`
  std::string examples;  ///< shown below the options
  /// Declares options on `app`; what they fill must outlive parsing (capture shared state by
  /// shared_ptr). Returns the function that runs the command and returns its exit code.
  std::function<std::function<int()>(CLI::App& app)> declare;
};

}  // namespace paradigm
