// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/whole_run.h"

#include <chrono>
#include <functional>
#include <optional>
#include <thread>

namespace tests {

/// A training on a thread, steered through its folder.
class SteeredRun {
 public:
  explicit SteeredRun(const engine::RunConfig& config)
      : dir_(config.output_dir),
        thread_([this, config] { outcome_ = engine::train(config, control_, {}); }) {}

  bool wait_for(const std::function<bool()>& condition) const {
    for (int tick = 0; tick < 6000 && !condition(); ++tick)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return condition();
  }
  engine::RunStatus status() const {
    return engine::RunReader(dir_).poll().status.value_or(engine::RunStatus{});
  }
  bool wait_until(engine::RunState state) const {
    return wait_for([&] { return status().state == state; });
  }
  std::optional<engine::ControlAnswered> answer_to(const std::string& id) const {
    for (const engine::ControlAnswered& answer : events_of_type<engine::ControlAnswered>(dir_)) {
      if (answer.id == id) return answer;
    }
    return std::nullopt;
  }
  bool wait_for_answer(const std::string& id) const {
    return wait_for([&] { return answer_to(id).has_value(); });
  }
  engine::TrainOutcome join() {
    thread_.join();
    return outcome_;
  }

 private:
  std::filesystem::path dir_;
  engine::RunControl control_;
  engine::TrainOutcome outcome_;
  std::jthread thread_;
};

}  // namespace tests
