// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace engine {

/// Where a step's numbers cease to be finite.
struct NonFiniteOrigin {
  std::string layer;  ///< empty: all is finite
  std::string text;   ///< one sentence about it; empty with it
};

/// Repeats the forward pass of a step, and if that is finite its backward pass, and names the first
/// layer whose output (or else the last whose gradient) is not finite. A Linear or attention by its
/// name; what lies between them by its parameter when that is not finite, else by the layer that it
/// leads to. Weights, optimizer and simulation state are as before; the gradients are not. Costs
/// about one step, and reads the device once a sequence.
NonFiniteOrigin first_non_finite_layer(Llama& model, const std::vector<at::Tensor>& micro_batches,
                                       std::int64_t step, c10::ScalarType compute_dtype);

}  // namespace engine
