// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/philox.h"

#include <c10/core/ScalarType.h>

#include <cstdint>

namespace engine {

/// What a forward pass is for. Only `train` may update running statistics; `calibrate` observes
/// ranges with the quantisers off; `evaluate` changes nothing.
enum class Phase { train, evaluate, calibrate };

/// Which activations a training pass forgets and computes again in its backward pass: none, those
/// of every MLP, or those of every decoder layer.
enum class ActivationCheckpointing { none, selective, layer };

/// Handed down through every layer: no layer holds a clock, a seed or a mode of its own.
struct ForwardContext {
  Phase phase = Phase::evaluate;
  c10::ScalarType compute_dtype =
      c10::ScalarType::Float;   ///< Float or BFloat16; weights stay fp32 masters
  std::int64_t step = 0;        ///< optimizer step, 0-based (evaluation: step of the weights)
  std::int64_t micro_step = 0;  ///< index in the accumulation (evaluation: 0)
  /// Index of the batch's first sequence in the micro-batch's global batch (evaluation: since its
  /// start), so that noise does not depend on how a batch is split.
  std::int64_t first_sequence = 0;
  bool recompute = false;  ///< a repeated forward inside backward: same noise, no updates
  bool is_recomputed =
      false;             ///< a forward that will be repeated, and must give the same bits then
  bool measure = false;  ///< a sampled step: layers also measure what statistics() returns
  /// The same of the gradient that comes back: also true where a measured forward is repeated.
  bool measure_gradient = false;
  ActivationCheckpointing checkpointing = ActivationCheckpointing::none;  ///< of a training pass
  /// Device memory that holds step and micro_step, which noise on CUDA then reads instead of the
  /// two above: a captured pass is replayed at other times than the one it was recorded at. Null
  /// where nothing is captured.
  const kernels::NoiseTime* clock = nullptr;
};

}  // namespace engine
