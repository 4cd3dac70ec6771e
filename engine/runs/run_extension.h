// SPDX-License-Identifier: GPL-3.0-or-later
// The settings of a run that is given more steps, while it lives or after it has finished.
#pragma once

#include "engine/config/run_config.h"
#include "engine/runs/run_control.h"

#include <cstdint>

namespace engine {

/// `config` as it goes on when a run that was to take `steps` in all is given more of them.
RunConfig extended(RunConfig config, std::int64_t steps, const RunExtension& extension);

/// What a finished run is started with to train further: `settings` of its run.yaml, extended, in
/// its own folder and behind its newest checkpoint.
ParamValues further_settings(const ParamValues& settings, std::int64_t steps,
                             const RunExtension& extension);

}  // namespace engine
