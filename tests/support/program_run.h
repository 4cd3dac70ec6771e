// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tests {

/// What one run of a program gave.
struct ProgramRun {
  int exit_code = -1;  ///< 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

/// Runs `program` to its end in `folder` (empty = here) with `input` as its standard input.
/// `environment`: "NAME=value".
ProgramRun run_program(const std::filesystem::path& program,
                       const std::vector<std::string>& arguments, const std::string& input = "",
                       const std::filesystem::path& folder = {},
                       const std::vector<std::string>& environment = {});

}  // namespace tests
