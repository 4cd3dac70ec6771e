// SPDX-License-Identifier: GPL-3.0-or-later
// A step's forward and backward passes as CUDA graphs: small steps are bound by the launches of
// their kernels, which a graph makes once for all.
#pragma once

#include "engine/model/llama.h"
#include "engine/training/batch_stage.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace engine {

/// The memory that captured steps work in and the stream they are recorded on. Steps that share it
/// never run at the same time, and what one leaves there holds until another one runs.
class GraphMemory;

/// Null where nothing can be captured: without kernels for CUDA, or on another device.
std::shared_ptr<GraphMemory> graph_memory(c10::Device device);

/// What a captured step does for good; another one needs another recording.
struct CapturedShape {
  std::int64_t micro_batches = 1;
  std::int64_t rows = 0;  ///< of each micro-batch
  std::int64_t block = 0;
  c10::ScalarType compute_dtype = c10::ScalarType::Float;
  ActivationCheckpointing checkpointing = ActivationCheckpointing::none;
  bool is_sampled = false;  ///< on some steps the layers measure the last micro-batch

  bool operator==(const CapturedShape&) const = default;
};

/// The passes of all micro-batches of one step: the first sets the gradients, the others add to
/// them. Bit for bit what the same passes compute when they are launched one by one.
class CapturedStep {
 public:
  /// Records; no weight or state changes, gradients are forgotten. The model must be capturable
  /// from `step` on and have made at least one training pass of this shape. Throws what LibTorch
  /// throws when it cannot be recorded, for lack of memory for example; then nothing is left
  /// behind.
  CapturedStep(std::shared_ptr<GraphMemory> memory, Llama& model, const CapturedShape& shape,
               std::int64_t step);
  ~CapturedStep();
  CapturedStep(const CapturedStep&) = delete;
  CapturedStep& operator=(const CapturedStep&) = delete;

  const CapturedShape& shape() const;
  /// Whether the same step, launched kernel by kernel, has room beside what the graphs hold. Gives
  /// LibTorch's reserve back and waits for the device.
  bool leaves_room() const;

  /// Runs the passes for the ids [rows, block] int64 on the CPU, one per micro-batch, that `stage`
  /// brings to the device. Leaves the gradients in the model's parameters and returns the loss, a
  /// 0-d tensor; both hold until the memory's next user. `measures`: only of a sampled shape; the
  /// layers then hold this step's statistics, unless they have measured a pass outside the
  /// recording since it was made. `before_micro_batch` may throw to abandon the step.
  at::Tensor run(std::int64_t step, const std::vector<at::Tensor>& micro_batches, BatchStage& stage,
                 bool measures, const std::function<void()>& before_micro_batch);

 private:
  class Recording;
  std::unique_ptr<Recording> recording_;
};

}  // namespace engine
