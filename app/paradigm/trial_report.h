// SPDX-License-Identifier: GPL-3.0-or-later
// What `paradigm try` and `paradigm scan` print.
#pragma once

#include "app/paradigm/output.h"
#include "engine/trial/transform_trial.h"

#include <string>

namespace paradigm {

Json json_of(const engine::TrialResult& result);
std::string text_of(const engine::TrialResult& result);

Json json_of(const engine::ScanResult& result);
std::string text_of(const engine::ScanResult& result);

}  // namespace paradigm
