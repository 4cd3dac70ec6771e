// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/engine_loader.h"

#include <QImageReader>

namespace app {

EngineLoader::EngineLoader(Load load, QObject* parent) : QObject(parent), load_(std::move(load)) {}

void EngineLoader::start() {
  if (state_ != State::waiting) return;
  state_ = State::loading;
  Q_EMIT stateChanged();
  // The dynamic loader holds its lock while the engine comes in: plug-ins that Qt would load later
  // must be there now.
  QImageReader::supportedImageFormats();

  struct Loaded {
    const engine::EngineApi* api;
    engine::DeviceReport devices;
  };
  job_.start(
      [load = load_] {
        Loaded loaded{&load(), {}};
        loaded.devices = loaded.api->devices();
        return loaded;
      },
      [this](JobResult<Loaded> result) {
        if (result.value) {
          api_ = result.value->api;
          devices_ = std::move(result.value->devices);
          state_ = State::ready;
        } else {
          problem_ = result.problems.front();
          state_ = State::unavailable;
        }
        Q_EMIT stateChanged();
      });
}

}  // namespace app
