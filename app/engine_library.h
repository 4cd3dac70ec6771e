// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

#include <filesystem>

namespace app {

/// Lets idle threads of the engine sleep after 0.1 ms instead of 15: while they wait for each other
/// they would take the processor from whatever else runs, the window or a second training. Does
/// nothing where the user's environment says how to wait (OMP_WAIT_POLICY, GOMP_SPINCOUNT). Call it
/// first in main(), while there is one thread and LibTorch is not loaded.
void let_idle_threads_sleep();

/// Folder of the running program, where the module lies too.
std::filesystem::path program_folder();

/// Opens libparadigm_engine.so beside the program (0.3 to 1.2 s: it brings LibTorch) and returns
/// its API. Later calls are free. Any thread. Throws engine::Error naming the file and the loader's
/// reason. Never unloaded.
const engine::EngineApi& load_engine();

}  // namespace app
