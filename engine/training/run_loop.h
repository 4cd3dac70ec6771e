// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/checkpoint_saver.h"
#include "engine/data/batch_loader.h"
#include "engine/data/token_dataset.h"
#include "engine/runs/run_writer.h"
#include "engine/training/divergence_watch.h"
#include "engine/training/trainer.h"

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// What a run came to, measured on the way.
struct RunTotals {
  std::int64_t step = 0;
  double seconds = 0;  ///< since the loop began
  /// Of one training step, without what lies between steps: the median of what was logged; -1 when
  /// nothing was.
  double step_seconds = -1;
  std::int64_t checkpoint_bytes = 0;
};

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
  /// Records an extension for good, so that a resume knows of it, and returns the schedule from now
  /// on.
  std::function<LrSchedule(const RunExtension&)> on_extended;
  std::function<void(const RunTotals&)> on_end;  ///< before run_finished is written
};

/// Thrown inside a step when the run is to be left at once.
struct StoppedAtOnce {};

/// Steps until max_steps or a stop: logs, evaluates, saves, obeys requests. What a stop saves is a
/// whole step, so that a resume is exact. Requests are heard before every micro-batch and carried
/// out between steps; only stop_now acts inside one.
class RunLoop {
 public:
  explicit RunLoop(RunParts parts);

  /// Writes run_finished and the final status. Throws what goes wrong; the caller records the
  /// failure.
  TrainOutcome run();

  /// After run() has thrown: waits for a checkpoint that is still being written and records it.
  void settle_save();

  std::int64_t steps_done() const { return parts_.trainer.steps_done(); }
  std::int64_t max_steps() const { return parts_.max_steps; }
  const std::string& last_checkpoint() const { return last_checkpoint_; }

 private:
  using Clock = std::chrono::steady_clock;

  void take_step();
  void log();
  void log_layer_stats();
  void evaluate();
  void act_on(const std::vector<DivergenceSeen>& divergences);

  /// Starts a save of the step just done, unless it is saved or being saved.
  void start_save(bool at_once = false);
  /// Starts one and waits until it stands.
  void save();
  void record_save(const std::optional<SavedState>& saved);

  void hear_requests();
  void carry_out_requests();
  void pause();
  void extend(const RunExtension& extension);
  void answer(RunRequest request, const std::string& id, const std::string& outcome,
              const std::string& text);
  void answer_saves();

  bool is_due(std::int64_t every) const;
  bool save_is_due() const;
  void say(const std::string& level, const std::string& text);
  void set_state(RunState state, const std::string& request = "", const std::string& id = "");
  RunState live_state() const;
  double epoch() const;
  TrainOutcome finish(const std::string& outcome);

  struct Asked {
    std::string id;
    RunExtension extension;
  };

  RunParts parts_;
  TrainerState state_;
  LoaderPosition position_;
  CheckpointSaver saver_;
  DivergenceWatch watch_;
  at::Tensor loss_since_log_;  // fp64, on the device
  StepMetrics last_step_;
  double seconds_since_log_ = 0;
  std::int64_t tokens_since_log_ = 0;
  std::int64_t checkpoint_bytes_ = 0;
  std::vector<double> step_seconds_;  // of each log, where on_end asks for it
  std::int64_t saved_step_ = -1;      // the newest whose save was started, or that was resumed from
  std::int64_t logged_step_ = -1;
  std::int64_t evaluated_step_ = -1;
  std::string last_checkpoint_;
  bool stop_is_wanted_ = false;
  bool capture_failure_said_ = false;
  bool is_ending_ = false;
  bool is_spoilt_ = false;  // the weights are not finite, and the sentinel was to do something
  std::optional<Asked> wanted_pause_;
  bool is_paused_ = false;
  std::vector<Asked> wanted_saves_;      // not started
  std::vector<Asked> unanswered_saves_;  // started
  std::optional<Asked> wanted_extension_;
  Clock::time_point started_;
};

}  // namespace engine
