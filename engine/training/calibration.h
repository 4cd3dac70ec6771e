// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/training/evaluator.h"

#include <functional>
#include <map>
#include <string>

namespace engine {

/// Calibrates on a range of `data` only those simulation buffers that `wants` names
/// ("<layer>.<buffer>"); all others keep their values.
void calibrate_some(Llama& model, const TokenDataset& data, const EvaluationRange& range,
                    const EvaluationOptions& options,
                    const std::function<bool(const NamedState&)>& wants,
                    const EvaluationProgress& on_progress = {});

/// Simulation buffers by "<layer>.<buffer>".
using StateMap = std::map<std::string, at::Tensor>;

/// The model's own buffers, not copies, that have never observed anything.
StateMap unobserved_state(Llama& model);
/// Copies into the model what `states` has of its buffers.
void restore_state(Llama& model, const StateMap& states);

/// Whether a simulation buffer has never observed anything.
bool is_unobserved(const NamedState& state);
/// Whether any of the model's buffers has never observed anything.
bool has_unobserved_state(Llama& model);

}  // namespace engine
