// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"

namespace engine {

/// What `paradigm eval` takes beside --sweep itself when it measures a grid or several draws.
const ParamSchema& sweep_schema();

}  // namespace engine
