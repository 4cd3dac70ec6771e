// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama.h"

#include <cstdint>
#include <string>

namespace engine {

/// How a tensor is drawn: normal of this deviation, cut at ±cut; a deviation of 0 = all ones.
struct InitialDistribution {
  double deviation = 0;
  double cut = 0;  ///< absolute; 0 = not cut
};

/// The depth-aware rule for training from scratch: embedding N(0, 1); q, k, v, gate σ 0.02 cut at
/// ±2; o, down and up of layer i (0-based) σ 0.02/√(2(i + 1)), same cut; head σ d^-½ cut at ±3σ;
/// norms 1; biases 0 (cut < 0).
InitialDistribution initial_distribution(const std::string& tensor, const LlamaConfig& config);

/// fp32 weights of a new model. Every element is a pure function of (seed, tensor name, index):
/// independent of threads, order and other tensors.
TensorMap initial_weights(const LlamaConfig& config, std::uint64_t seed);

}  // namespace engine
