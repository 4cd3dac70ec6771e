// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_comparison.h"

#include <string>

namespace engine {

/// "Δ eval_loss +0.0210 ± 0.0340 (95 %) from 3 + 3 seeds, Welch's t, p 0.14: not distinguishable;
/// about 4 more seeds each (2 to 15) would be". Says what is missing where nothing can be said.
std::string verdict_text(const Verdict& verdict, const ComparisonOptions& options);

}  // namespace engine
