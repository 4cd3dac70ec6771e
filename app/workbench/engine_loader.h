// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "engine/api.h"

#include <QObject>
#include <QString>

#include <functional>
#include <optional>

namespace app {

/// Loads the engine on a background thread, once the window is painted.
class EngineLoader : public QObject {
  Q_OBJECT

 public:
  enum class State { waiting, loading, ready, unavailable };
  using Load = std::function<const engine::EngineApi&()>;

  /// `load` runs on a background thread; app::load_engine in the program.
  explicit EngineLoader(Load load, QObject* parent = nullptr);

  void start();
  State state() const { return state_; }
  const engine::EngineApi* api() const { return api_; }  ///< null until ready
  /// Why it is unavailable, with the way out.
  const engine::Problem& problem() const { return problem_; }
  /// Known when ready.
  const std::optional<engine::DeviceReport>& devices() const { return devices_; }

 Q_SIGNALS:
  void stateChanged();

 private:
  Load load_;
  BackgroundJob job_;
  State state_ = State::waiting;
  const engine::EngineApi* api_ = nullptr;
  engine::Problem problem_;
  std::optional<engine::DeviceReport> devices_;
};

}  // namespace app
