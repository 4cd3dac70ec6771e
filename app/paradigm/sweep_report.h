// SPDX-License-Identifier: GPL-3.0-or-later
// The table of `eval --sweep`: as text, as JSON and as CSV.
#pragma once

#include "app/paradigm/output.h"
#include "engine/api.h"

#include <string>

namespace paradigm {

Json json_of(const engine::SweepResult& result);
std::string text_of(const engine::SweepResult& result);
/// One row for the plain model, then one for each cell and semantics; numbers to the last digit.
std::string csv_of(const engine::SweepResult& result);

}  // namespace paradigm
