// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace paradigm {

/// Parses the command line, runs one sub-command, prints problems to stderr. Returns the exit code.
int run_program(int argc, char** argv);

}  // namespace paradigm
