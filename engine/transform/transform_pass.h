// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/transform_plan.h"

#include <functional>
#include <memory>
#include <vector>

namespace engine {

/// Carries `plan` out on a live model: all attentions in layer order, then all Linears in module
/// order, each replaced in its slot by the paradigm its winning rule names. Replacements take over
/// the originals' tensors. `on_layer` hears of each one. Tied embeddings: replacing lm_head
/// transforms its use as a head only.
///
/// Throws Error when the model is already transformed (load it again instead: a second pass would
/// wrap simulated layers), when a layer or paradigm of the plan is unknown, and when the outcome is
/// not what the plan says.
void apply_transform(Llama& model, const TransformPlan& plan,
                     const std::vector<std::shared_ptr<Paradigm>>& paradigms,
                     const ReplaceContext& context,
                     const std::function<void(const Assignment&)>& on_layer = {});

}  // namespace engine
