// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/engine_implementation.h"

extern "C" const engine::EngineApi* paradigm_engine(int api_version) {
  return api_version == engine::kEngineApiVersion ? &engine::engine_implementation() : nullptr;
}
