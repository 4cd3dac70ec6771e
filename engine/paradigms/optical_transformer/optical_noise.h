// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/forward_context.h"
#include "kernels/noise/noise.h"
#include "kernels/noise_key.h"

#include <cstdint>
#include <string>

namespace engine::optical_transformer {

/// The stream of one read-out, from the first element of the batch's first sequence on.
/// `per_sequence`: elements that one sequence has in the unsharded tensor.
inline kernels::NoiseStream noise_stream(std::uint64_t run_seed, const std::string& layer,
                                         std::uint64_t seed, std::uint64_t role,
                                         const ForwardContext& context, std::int64_t per_sequence) {
  if (context.phase != Phase::train) role += kernels::noise_role::evaluation;
  return {
      kernels::noise_key(run_seed, kernels::layer_id(layer), seed, role),
      {static_cast<std::uint32_t>(context.step), static_cast<std::uint32_t>(context.micro_step)},
      static_cast<std::uint64_t>(context.first_sequence * per_sequence),
      context.clock};
}

/// The stream of a read-out whose noise is frozen (semantics: reference): the seed is the key.
inline kernels::NoiseStream frozen_stream(std::uint64_t seed) { return {seed, {}, 0}; }

}  // namespace engine::optical_transformer
