// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <optional>

namespace CLI {
class App;
}

namespace paradigm {

/// Adds pause, resume, checkpoint, stop and extend below `runs`: each writes the run folder's file
/// `control` and waits for the run's answer. Call the result after parsing: it carries out the one
/// that was given and returns its exit code, or returns nothing.
std::function<std::optional<int>()> declare_run_requests(CLI::App& runs);

}  // namespace paradigm
