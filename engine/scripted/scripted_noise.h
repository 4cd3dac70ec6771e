// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/forward_context.h"
#include "engine/scripted/scripted_file.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace engine::scripted {

/// Who draws: enters the key of all noise of one layer.
struct NoiseOwner {
  std::uint64_t run_seed = 0;
  std::string layer;
  std::uint64_t user_seed = 0;
};

/// The fp32 tensor for the argument with index `index` among a method's noises. Its first dimension
/// is the sequence, unless `is_activation` is false: then the tensor belongs to the weight and
/// every part of a batch sees the same one.
at::Tensor noise_tensor(const NoiseOwner& owner, const ScriptedNoise& noise, std::size_t index,
                        const std::vector<std::int64_t>& shape, bool is_activation,
                        const ForwardContext& context, at::Device device);

}  // namespace engine::scripted
