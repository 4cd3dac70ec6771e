// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/conformance/conformance_result.h"

namespace engine {

const char* to_string(ConformanceResult::Outcome outcome) {
  switch (outcome) {
    case ConformanceResult::Outcome::kept:
      return "kept";
    case ConformanceResult::Outcome::broken:
      return "broken";
    case ConformanceResult::Outcome::not_applicable:
      return "not applicable";
  }
  return "";
}

}  // namespace engine
