// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/probe_report.h"

#include <algorithm>

namespace engine {

bool SelfCheckReport::pass() const {
  return std::all_of(parts.begin(), parts.end(), [](const Part& part) {
    return std::all_of(part.checks.begin(), part.checks.end(),
                       [](const NoiseCheck& check) { return check.pass; });
  });
}

}  // namespace engine
