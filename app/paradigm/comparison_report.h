// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/paradigm/output.h"
#include "engine/compare/run_comparison.h"

#include <string>
#include <vector>

namespace paradigm {

std::string text_of(const std::vector<const engine::ComparableRun*>& runs,
                    const engine::RunComparison& comparison);
Json json_of(const std::vector<const engine::ComparableRun*>& runs,
             const engine::RunComparison& comparison);

}  // namespace paradigm
