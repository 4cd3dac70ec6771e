// SPDX-License-Identifier: GPL-3.0-or-later
// What `paradigm probe` prints.
#pragma once

#include "app/paradigm/output.h"
#include "engine/statistics/probe_report.h"

#include <string>

namespace paradigm {

Json json_of(const engine::ProbeReport& report);
std::string text_of(const engine::ProbeReport& report);

Json json_of(const engine::SelfCheckReport& report);
std::string text_of(const engine::SelfCheckReport& report);

}  // namespace paradigm
