// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/step_memory.h"

#include "engine/training/bench.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine {
namespace {

/// What is refused for want of memory must really not fit: the bound is held against measured
/// steps, which take more: the work space of the head, and of the products behind them.
TEST(StepMemory, IsBelowWhatAStepTakesAndNotFarBelow) {
  const tests::ScratchFolder scratch;
  tests::write_tiny_llama(scratch / "model",
                          {.hidden_size = 64, .intermediate_size = 192, .layers = 6});
  const LlamaConfig model = read_llama_config(scratch / "model/config.json");
  const std::pair<bool, const char*> ways[] = {
      {false, "none"}, {false, "selective"}, {false, "layer"}, {true, "none"}};
  for (const auto& [bf16, checkpointing] : ways) {
    BenchConfig config;
    config.model_name_or_path = (scratch / "model").string();
    config.device = "cpu";
    config.batch_size = 128;
    config.seq_len = 64;
    config.bf16 = bf16;
    config.activation_checkpointing = checkpointing;
    config.warmup = 0;
    config.rounds = config.repeats = 1;
    malloc_trim(0);  // what an earlier step has left would be taken again unseen
    const BenchVariant plain = bench(config, {}).variants.at(0);
    if (plain.step_peak_bytes < 0) GTEST_SKIP() << "this system does not tell the peak";
    const double least = least_activation_bytes(model, 128 * 64, bf16, checkpointing);
    EXPECT_LT(least, plain.step_peak_bytes) << checkpointing << " bf16 " << bf16;
    EXPECT_GT(least, 0.1 * static_cast<double>(plain.step_peak_bytes))
        << checkpointing << " bf16 " << bf16;
  }
}

TEST(StepMemory, GrowsWithTheTokensToAnySize) {
  LlamaConfig model;
  model.hidden_size = 1024;
  model.intermediate_size = 4096;
  model.num_hidden_layers = 32;
  model.num_attention_heads = model.num_key_value_heads = 8;
  model.head_dim = 128;
  const double one = least_activation_bytes(model, 1, false, "none");
  EXPECT_GT(one, 0);
  EXPECT_DOUBLE_EQ(least_activation_bytes(model, std::int64_t{1} << 42, false, "none"),
                   one * 4398046511104.0);
  EXPECT_LT(least_activation_bytes(model, 1, false, "layer"), one);
}

TEST(StepMemory, IsExtrapolatedFromAnEighthOfTheRows) {
  std::vector<std::int64_t> taken;
  const auto peak_of = [&](std::int64_t rows) -> std::optional<std::int64_t> {
    taken.push_back(rows);
    return (taken.size() == 1 ? 5000 : 100) + 7 * rows;  // libraries are loaded in the first
  };
  EXPECT_DOUBLE_EQ(extrapolated_peak(1000, peak_of).value(), 7100);
  EXPECT_EQ(taken, (std::vector<std::int64_t>{62, 62, 125}));
  taken.clear();
  EXPECT_FALSE(extrapolated_peak(15, peak_of));
  EXPECT_TRUE(taken.empty());
  EXPECT_FALSE(extrapolated_peak(1000, [](std::int64_t) { return std::nullopt; }));
}

}  // namespace
}  // namespace engine
