// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_comparison.h"

#include <string>

namespace engine {

/// plot.py of an export: reads curves.csv beside it and writes figure.pdf with matplotlib alone.
/// The settings a paper changes (width in mm, labels, axes) stand at its top.
std::string plot_script(const RunComparison& comparison);

}  // namespace engine
