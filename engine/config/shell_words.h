// SPDX-License-Identifier: GPL-3.0-or-later
// A text that somebody copied from a terminal, a script or a page, read as a POSIX shell reads
// simple commands. Nothing is executed.
#pragma once

#include "engine/problem.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {

struct ShellWord {
  std::string text;
  /// What in it has no value outside of that shell: "$MODEL", "$(date)"; empty = the text is whole.
  std::string unknown{};
};

struct ShellCommand {
  std::vector<std::pair<std::string, ShellWord>> assignments;  ///< NAME=value before the command
  std::vector<ShellWord> words;
};

struct ShellText {
  std::vector<ShellCommand> commands;  ///< in order; those without a word and assignment left out
  /// What cannot be read (errors), and what was passed over (notes): pipes, redirections.
  std::vector<Problem> problems;
};

/// Quotes, escapes, comments, continued lines, and variables that the text itself assigns. The
/// shell's other means (substitutions, arrays, loops) have no value here.
ShellText read_shell_text(std::string_view text);

}  // namespace engine
