// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama_config.h"

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>

namespace engine {

/// What the matrix products of Linears and head take in one training step: forward, the gradient of
/// the input and that of the weight.
struct MatmulLimit {
  double seconds = 0;
  double flops = 0;
};

/// Measures each product of the model's shapes by itself, on random numbers of `rows` tokens in
/// `dtype`, and adds them up; q, k, v and gate, up as one product each, the head in chunks. Takes
/// the time of a few layers.
MatmulLimit measure_matmul_limit(const LlamaConfig& config, std::int64_t rows,
                                 c10::ScalarType dtype, c10::Device device);

}  // namespace engine
