// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/data/batch_loader.h"
#include "engine/data/token_dataset.h"
#include "engine/runs/run_writer.h"
#include "engine/training/trainer.h"

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace engine {

/// What a run consists of once all is loaded. References outlive the loop.
struct RunParts {
  const RunConfig& config;
  RunControl& control;
  RunWriter& writer;
  Llama& model;
  AdamW& optimizer;
  Trainer& trainer;
  BatchLoader* loader = nullptr;             ///< null: nothing to train
  const TokenDataset* validation = nullptr;  ///< null: no evaluation
  std::int64_t train_blocks = 0;
  std::int64_t max_steps = 0;
  const CheckpointFiles& files;
  Manifest
      manifest;  ///< what does not change from checkpoint to checkpoint; trainer state as resumed
  std::string last_checkpoint;          ///< folder name of the one resumed from, empty = none
  std::function<void()> on_first_step;  ///< after the first step of this process
};

/// Thrown inside a step when the run is to be left at once.
struct StoppedAtOnce {};

/// Steps until max_steps or a stop: logs, evaluates, saves, obeys requests. What a stop saves is a
/// whole step, so that a resume is exact.
class RunLoop {
 public:
  explicit RunLoop(RunParts parts);

  /// Writes run_finished and the final status. Throws what goes wrong; the caller records the
  /// failure.
  TrainOutcome run();

  std::int64_t steps_done() const { return parts_.trainer.steps_done(); }
  const std::string& last_checkpoint() const { return last_checkpoint_; }

 private:
  using Clock = std::chrono::steady_clock;

  void take_step();
  void log();
  void log_layer_stats();
  void evaluate();
  void save();
  bool is_due(std::int64_t every) const;
  bool save_is_due() const;
  void obey_requests();
  void wait_while_paused();
  void say(const std::string& level, const std::string& text);
  void set_state(RunState state, const std::string& request = "");
  double epoch() const;
  TrainOutcome finish(const std::string& outcome);

  RunParts parts_;
  TrainerState state_;
  LoaderPosition position_;
  at::Tensor loss_since_log_;  // fp64, on the device
  StepMetrics last_step_;
  double seconds_since_log_ = 0;
  std::int64_t tokens_since_log_ = 0;
  std::int64_t saved_step_ = -1;
  std::int64_t logged_step_ = -1;
  std::int64_t evaluated_step_ = -1;
  std::string last_checkpoint_;
  bool stop_is_wanted_ = false;
  bool save_is_wanted_ = false;
  bool capture_failure_said_ = false;
  Clock::time_point started_;
};

}  // namespace engine
