// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

#include <filesystem>

namespace app {

/// Folder of the running program, where the module lies too.
std::filesystem::path program_folder();

/// Opens libparadigm_engine.so beside the program (0.3 to 1.2 s: it brings LibTorch) and returns
/// its API. Later calls are free. Any thread. Throws engine::Error naming the file and the loader's
/// reason. Never unloaded.
const engine::EngineApi& load_engine();

}  // namespace app
