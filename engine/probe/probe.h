// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

namespace engine {

/// EngineApi::probe and EngineApi::self_check.
ProbeReport probe(const ProbeConfig& config, const ProgressFunction& on_progress);
SelfCheckReport self_check(const SelfCheckConfig& config, const ProgressFunction& on_progress);

}  // namespace engine
