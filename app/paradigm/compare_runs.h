// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace paradigm {

/// Adds `compare` below `runs`; the function carries it out when it was chosen and returns the exit
/// code.
std::function<int()> declare_compare(CLI::App& runs, CLI::App*& compare);

}  // namespace paradigm
