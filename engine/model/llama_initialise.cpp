// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/llama_initialise.h"

#include "engine/device/parallel_for.h"
#include "engine/model/weight_names.h"
#include "kernels/noise_key.h"
#include "kernels/philox.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace engine {
namespace {

/// Role of the key; the simulated layers' roles are below 64.
constexpr std::uint64_t kInitialisationRole = 64;

/// Four independent standard normals (Box and Muller): elements 4·block … 4·block + 3.
struct Normals {
  double value[4];
};

Normals normals_of(std::uint64_t key, std::uint64_t block, std::uint32_t attempt) {
  constexpr double kScale = 1.0 / 4294967296.0;
  const kernels::PhiloxBlock random = kernels::noise_block(key, block, {.step = attempt});
  Normals normals;
  for (int pair = 0; pair < 4; pair += 2) {
    const double u0 = (static_cast<double>(random.word[pair]) + 0.5) * kScale;
    const double u1 = (static_cast<double>(random.word[pair + 1]) + 0.5) * kScale;
    const double radius = std::sqrt(-2 * std::log(u0));
    normals.value[pair] = radius * std::cos(2 * M_PI * u1);
    normals.value[pair + 1] = radius * std::sin(2 * M_PI * u1);
  }
  return normals;
}

/// Scales a draw; one beyond the cut is drawn again, by the next value of the counter's step.
double within_cut(double normal, std::uint64_t key, std::uint64_t index,
                  const InitialDistribution& distribution) {
  double value = distribution.deviation * normal;
  for (std::uint32_t attempt = 1; distribution.cut > 0 && std::abs(value) > distribution.cut;
       ++attempt) {
    value = distribution.deviation * normals_of(key, index / 4, attempt).value[index % 4];
  }
  return value;
}

void fill(at::Tensor& tensor, std::uint64_t key, const InitialDistribution& distribution) {
  float* values = tensor.mutable_data_ptr<float>();
  const std::int64_t elements = tensor.numel();
  parallel_for((elements + 3) / 4, 1 << 12, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const Normals normals = normals_of(key, static_cast<std::uint64_t>(block), 0);
      for (std::int64_t index = 4 * block; index < std::min(4 * block + 4, elements); ++index) {
        values[index] = static_cast<float>(within_cut(
            normals.value[index % 4], key, static_cast<std::uint64_t>(index), distribution));
      }
    }
  });
}

}  // namespace

InitialDistribution initial_distribution(const std::string& tensor, const LlamaConfig& config) {
  constexpr double kDeviation = 0.02;
  constexpr double kCut = 2;
  if (tensor == "model.embed_tokens.weight") return {.deviation = 1, .cut = 0};
  if (tensor == "lm_head.weight") {
    const double deviation = 1 / std::sqrt(static_cast<double>(config.hidden_size));
    return {.deviation = deviation, .cut = 3 * deviation};
  }
  if (tensor.ends_with(".bias")) return {.deviation = 0, .cut = -1};
  if (tensor.ends_with("norm.weight")) return {.deviation = 0, .cut = 0};
  for (const char* deep : {".o_proj.weight", ".down_proj.weight", ".up_proj.weight"}) {
    if (!tensor.ends_with(deep)) continue;
    const std::string prefix = "model.layers.";
    const double layer = static_cast<double>(std::atoll(tensor.c_str() + prefix.size()));
    return {.deviation = kDeviation / std::sqrt(2 * (layer + 1)), .cut = kCut};
  }
  return {.deviation = kDeviation, .cut = kCut};
}

TensorMap initial_weights(const LlamaConfig& config, std::uint64_t seed) {
  TensorMap weights;
  for (const ExpectedTensor& expected : expected_tensors(config)) {
    if (expected.optional) continue;
    at::Tensor tensor = at::empty(expected.shape, at::TensorOptions().dtype(at::kFloat));
    const InitialDistribution distribution = initial_distribution(expected.name, config);
    if (distribution.deviation == 0) {
      tensor.fill_(distribution.cut < 0 ? 0 : 1);
    } else {
      fill(tensor,
           kernels::noise_key(seed, kernels::layer_id(expected.name), 0, kInitialisationRole),
           distribution);
    }
    weights.emplace(expected.name, tensor);
  }
  return weights;
}

}  // namespace engine
