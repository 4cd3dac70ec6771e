// SPDX-License-Identifier: GPL-3.0-or-later
// Whole runs of a tiny model, and what their folders say.
#pragma once

#include "engine/error.h"
#include "engine/runs/run_reader.h"
#include "engine/training/train.h"
#include "tests/support/tiny_training.h"
#include "tests/support/transform_texts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace tests {

inline std::vector<engine::RunEvent> events_of(const std::filesystem::path& run_dir) {
  engine::RunReader reader(run_dir);
  std::vector<engine::RunEvent> all;
  while (true) {
    engine::RunUpdate update = reader.poll();
    all.insert(all.end(), update.events.begin(), update.events.end());
    if (!update.more) return all;
  }
}

template <typename Event>
std::vector<Event> events_of_type(const std::filesystem::path& run_dir) {
  std::vector<Event> found;
  for (const engine::RunEvent& event : events_of(run_dir)) {
    if (const auto* body = std::get_if<Event>(&event.body)) found.push_back(*body);
  }
  return found;
}

/// Whether a message of the run holds these words.
inline bool says(const std::filesystem::path& run_dir, const std::string& words) {
  for (const engine::RunMessage& message : events_of_type<engine::RunMessage>(run_dir)) {
    if (message.text.find(words) != std::string::npos) return true;
  }
  return false;
}

inline std::string state_of(const std::filesystem::path& run_dir) {
  return engine::to_string(engine::RunReader(run_dir).poll().status->state);
}

/// Runs of 14 steps over a few dozen blocks, with optical.yaml and other.yaml beside the text.
class WholeRun : public TinyTraining {
 protected:
  WholeRun() : TinyTraining(810) {  // a few dozen blocks: a run crosses epochs
    folder_.write("optical.yaml", kOpticalRules);
    folder_.write("other.yaml", std::string(kOpticalRules) + "\n# another effect:\n");
  }

  engine::RunConfig config(const std::string& run) const {
    engine::RunConfig config = training(run);
    config.gradient_accumulation_steps = 2;
    config.learning_rate = 1e-3;
    config.weight_decay = 0.1;
    config.max_steps = 14;
    config.warmup_steps = 2;
    config.logging_steps = 3;
    config.save_steps = 1000;
    return config;
  }

  engine::TrainOutcome run(const engine::RunConfig& config) {
    engine::RunControl control;
    return engine::train(config, control, {});
  }

  /// Trains until the first request to stop is obeyed: one step.
  engine::TrainOutcome run_one_step(const engine::RunConfig& config) {
    engine::RunControl control;
    control.request(engine::RunRequest::stop);
    return engine::train(config, control, {});
  }

  std::string error_of(const engine::RunConfig& config) {
    try {
      run(config);
      return "";
    } catch (const engine::Error& error) {
      return error.problems().front().id;
    }
  }

  static void expect_same_result(const std::filesystem::path& one,
                                 const std::filesystem::path& other,
                                 const std::string& checkpoint) {
    for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
      EXPECT_TRUE(content_of(one / checkpoint / name) == content_of(other / checkpoint / name))
          << name;
    }
    EXPECT_TRUE(content_of(one / checkpoint / "simulation_state.safetensors") ==
                content_of(other / checkpoint / "simulation_state.safetensors"));
    const auto a = events_of_type<engine::StepLogged>(one);
    const auto b = events_of_type<engine::StepLogged>(other);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].step, b[i].step);
      EXPECT_EQ(a[i].loss, b[i].loss) << a[i].step;
      EXPECT_EQ(a[i].grad_norm, b[i].grad_norm) << a[i].step;
      EXPECT_EQ(a[i].learning_rate, b[i].learning_rate) << a[i].step;
      EXPECT_EQ(a[i].epoch, b[i].epoch) << a[i].step;
      EXPECT_EQ(a[i].tokens, b[i].tokens) << a[i].step;
    }
  }
};

}  // namespace tests
