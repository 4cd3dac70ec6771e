// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tests {

struct ProgramResult {
  int exit_code = -1;  ///< 128 + signal when killed by one
  std::string out;
  std::string err;
};

/// Runs build/bin/paradigm with `arguments` in the checkout, with `environment` added, and waits for it.
ProgramResult run_paradigm(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment = {},
                           const std::string& standard_input = "");

}  // namespace tests
