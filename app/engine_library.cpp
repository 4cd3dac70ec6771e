// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"

#include "engine/error.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <string>

namespace app {

void let_idle_threads_sleep() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("GOMP_SPINCOUNT", "2000", /*overwrite=*/0);
}

std::filesystem::path program_folder() {
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return ignored ? std::filesystem::current_path() : program.parent_path();
}

const engine::EngineApi& load_engine() {
  static std::mutex mutex;
  static const engine::EngineApi* api = nullptr;
  const std::lock_guard lock(mutex);
  if (api != nullptr) return *api;

  const auto file = program_folder() / "libparadigm_engine.so";
  void* module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    engine::fail("engine-unavailable", {.file = file.string()},
                 std::string("the engine could not be loaded: ") + dlerror(),
                 "Run ./run once more to repair the set-up");
  }
  using Entry = const engine::EngineApi* (*)(int);
  const auto entry = reinterpret_cast<Entry>(dlsym(module, "paradigm_engine"));
  const engine::EngineApi* found = entry != nullptr ? entry(engine::kEngineApiVersion) : nullptr;
  if (found == nullptr) {
    engine::fail("engine-unavailable", {.file = file.string()},
                 "the engine is of another version than this program",
                 "Build both again with ./run");
  }
  api = found;
  return *api;
}

}  // namespace app
