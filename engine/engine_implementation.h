// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

namespace engine {

/// The one EngineApi. Stateless; any thread, one run per thread.
const EngineApi& engine_implementation();

}  // namespace engine
