// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama.h"
#include "engine/training/batch_stage.h"
#include "engine/training/captured_step.h"
#include "engine/training/lr_schedule.h"
#include "engine/training/optimizer.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace engine {

struct TrainerOptions {
  LrSchedule schedule;
  double max_grad_norm = 1.0;
  c10::ScalarType compute_dtype = c10::ScalarType::Float;
  std::uint64_t seed = 42;  ///< of attention dropout, drawn anew from (seed, step)
  /// On every so many steps the layers measure the last micro-batch; 0 = never. Changes no result.
  std::int64_t layer_stats_steps = 0;
  ActivationCheckpointing checkpointing = ActivationCheckpointing::none;
  /// Where steps are captured as CUDA graphs, which changes no result; null = they are not.
  std::shared_ptr<GraphMemory> graph_memory = nullptr;
};

/// What one step measured: 0-d tensors on the device, read by the host only when they are logged.
struct StepMetrics {
  at::Tensor loss;       ///< mean cross-entropy over all predicted tokens of the step
  at::Tensor grad_norm;  ///< before clipping
  double learning_rate = 0;
  std::int64_t tokens = 0;    ///< input tokens
  bool measured = false;      ///< the layers hold statistics of this step
  at::Tensor gradient_norms;  ///< [parameters], before clipping
};

/// The algorithm: forward and backward of all micro-batches, clip, fused AdamW, schedule. Knows no
/// files and no data source. A step whose gradients are not finite changes no weight.
class Trainer {
 public:
  /// Steps that are launched kernel by kernel before one is captured: libraries choose their
  /// algorithms, ranges are initialised.
  static constexpr std::int64_t kStepsBeforeCapture = 3;

  Trainer(Llama& model, AdamW& optimizer, TrainerOptions options, std::int64_t steps_done = 0);

  /// One optimizer step over micro-batches of ids, each [rows, block] int64 on the CPU.
  /// `before_micro_batch` may throw to abandon the step: weights and optimizer are then as before
  /// it.
  StepMetrics step(const std::vector<at::Tensor>& micro_batches,
                   const std::function<void()>& before_micro_batch = {});

  /// Forgets what the next step makes again and computes the same with: the recorded graph, 16-bit
  /// copies of weights, gradients.
  void release_memory();

  std::int64_t steps_done() const { return step_; }
  /// Why steps could not be captured and go on kernel by kernel; empty while there is no reason.
  const std::string& capture_failure() const { return capture_failure_; }
  bool is_captured() const { return captured_ != nullptr; }
  /// Whether sampled steps are captured too.
  bool measures_in_graph() const { return captured_ && captured_->shape().is_sampled; }
  /// From the next step on.
  void set_schedule(LrSchedule schedule) { options_.schedule = std::move(schedule); }

 private:
  at::Tensor run_passes(const std::vector<at::Tensor>& micro_batches, bool measures,
                        const std::function<void()>& before_micro_batch);
  CapturedStep* captured(const std::vector<at::Tensor>& micro_batches, bool measures);

  Llama& model_;
  AdamW& optimizer_;
  TrainerOptions options_;
  std::int64_t step_;
  BatchStage stage_;
  CapturedShape last_shape_;
  std::int64_t steps_of_shape_ = 0;
  std::unique_ptr<CapturedStep> captured_;
  bool has_measured_ = false;     ///< once: a recording needs what the first pass of a kind makes
  bool measuring_fails_ = false;  ///< to be recorded: sampled steps are launched kernel by kernel
  std::string capture_failure_;
};

}  // namespace engine
