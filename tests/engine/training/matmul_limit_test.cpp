// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/matmul_limit.h"

#include "engine/model/clm_family.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(MatmulLimit, CountsThreeProductsOfEveryLinearAndOfTheHead) {
  const LlamaConfig config = *find_clm_config("debug");
  const MatmulLimit limit = measure_matmul_limit(config, 8, c10::kFloat, c10::kCPU);
  const double attention =
      2.0 * static_cast<double>(config.hidden_size * config.head_dim) *
      static_cast<double>(config.num_attention_heads + config.num_key_value_heads);
  const double mlp = 3.0 * static_cast<double>(config.hidden_size * config.intermediate_size);
  const double head = static_cast<double>(config.hidden_size * config.vocab_size);
  EXPECT_EQ(limit.flops,
            6 * 8 * (static_cast<double>(config.num_hidden_layers) * (attention + mlp) + head));
  EXPECT_GT(limit.seconds, 0);
}

}  // namespace
}  // namespace engine
