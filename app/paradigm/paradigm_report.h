// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/conformance/conformance_result.h"
#include "engine/scripted/scripted_search.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace paradigm {

/// Everything `paradigm check` says, as text and as JSON.
struct ParadigmReport {
  engine::ParadigmChoice paradigm;
  std::vector<engine::ConformanceResult> results;

  /// What the paradigm is, its parameters, and the noise it asks for.
  std::string schema_text() const;
  /// One line a check, then the sum.
  std::string results_text() const;
  nlohmann::ordered_json json() const;
  bool is_broken() const;
};

}  // namespace paradigm
