// SPDX-License-Identifier: GPL-3.0-or-later
// Activation checkpointing (Chen et al., "Training deep nets with sublinear memory cost", 2016): a
// part of the model keeps its inputs alone, and runs once more inside the backward pass.
#pragma once

#include "engine/model/forward_context.h"
#include "engine/model/fused_projections.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

namespace engine {

/// What flows from one half of a decoder layer to the next: the residual stream, and what the half
/// before adds to it; nothing before the first.
struct Residual {
  at::Tensor x, delta;
  /// In place of delta; not where the half before or behind is recomputed.
  std::shared_ptr<const PendingLinear> pending{};
};

using ResidualWork = std::function<Residual(const Residual&, const ForwardContext&)>;

/// work(in, context), computed again from `in` when its gradient is asked for, with
/// context.recompute. What `work` refers to must live until then. Without gradients it is work()
/// itself.
Residual recomputed(const Residual& in, const ForwardContext& context, ResidualWork work);

}  // namespace engine
