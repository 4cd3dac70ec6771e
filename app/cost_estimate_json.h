// SPDX-License-Identifier: GPL-3.0-or-later
// An estimate as `paradigm estimate --json` prints it and the window reads it.
#pragma once

#include "engine/api.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace app {

nlohmann::ordered_json json_of(const engine::CostEstimate& estimate);
/// Nothing when `json` is no estimate.
std::optional<engine::CostEstimate> cost_estimate_from(const nlohmann::json& json);

}  // namespace app
