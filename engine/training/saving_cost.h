// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"
#include "engine/model/llama.h"
#include "engine/training/model_setup.h"
#include "engine/training/optimizer.h"
#include "engine/transform/transform_choice.h"

#include <cstdint>
#include <string>
#include <vector>

namespace engine {

/// Bytes of what a checkpoint of the run holds as tensors: weights, moments, states of the layers.
std::int64_t state_bytes(Llama& model, const AdamW& optimizer);

/// Saves of a run before its last one.
std::int64_t saves_before_the_end(const RunConfig& config, std::int64_t max_steps, bool has_text);

struct SavingCost {
  std::int64_t checkpoint_bytes = 0;
  std::int64_t kept_checkpoints = 0;
  std::int64_t disk_bytes = 0;        ///< of all that are kept, and of the model beside them
  std::int64_t free_disk_bytes = -1;  ///< where the run would write; -1 = not known
  double seconds = 0;                 ///< that training waits for saves, and the last one
  std::vector<std::string> notes;
};

/// What the saves of a run cost, by one save of at most 256 MB of it beside its output folder,
/// which is removed again. Where nothing can be written that is a note.
SavingCost saving_cost(const RunConfig& config, const ModelSource& source,
                       const TransformChoice& choice, Llama& model, const AdamW& optimizer,
                       std::int64_t saves_before_the_end);

}  // namespace engine
