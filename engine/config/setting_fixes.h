// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <string>
#include <vector>

namespace engine {

/// Settings that take a problem of a launch away, in one click.
struct SettingFix {
  std::string title;   ///< "Start anew in it"
  ParamValues values;  ///< what to set; unset = back to the default
};

/// By the problem's id, the usual one first; none for most.
std::vector<SettingFix> setting_fixes(const Problem& problem);

}  // namespace engine
