// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/paradigm/output.h"
#include "engine/api.h"

#include <string>

namespace paradigm {

std::string text_of(const engine::CostEstimate& estimate);

}  // namespace paradigm
