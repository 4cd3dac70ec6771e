// SPDX-License-Identifier: GPL-3.0-or-later
// What the conformance checks found out about a paradigm; torch-free, for reports.
#pragma once

#include "engine/transform/layer_inventory.h"

#include <string>

namespace engine {

struct ConformanceResult {
  enum class Outcome { kept, broken, not_applicable };

  std::string check;    ///< "EvaluationChangesNoState": one name for the test and the report
  std::string promise;  ///< what a paradigm must keep, as a sentence
  LayerKind kind = LayerKind::linear;
  Outcome outcome = Outcome::kept;
  std::string reason;  ///< what was found, or why the check does not apply
};

const char* to_string(ConformanceResult::Outcome outcome);

}  // namespace engine
