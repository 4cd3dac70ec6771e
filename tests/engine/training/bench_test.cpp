// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/bench.h"

#include "engine/error.h"
#include "engine/model/llama_config.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/Parallel.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace engine {
namespace {

constexpr const char* kOptical = R"(layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: {q_levels: 256}
  model\.layers\.[0-9]+\.mlp\.(gate|up|down)_proj: {q_levels: 16}
  model\.layers\.[0-9]+\..*: {q_levels: 8, mode: freeze}
  never: {q_levels: 8}
  lm_head: null
)";

class Bench : public ::testing::Test {
 protected:
  void SetUp() override {
    tests::write_tiny_llama(folder_ / "model");
    config_.model_name_or_path = (folder_ / "model").string();
    config_.transform_configs = {folder_.write("optical.yaml", kOptical).string()};
    config_.device = "cpu";
    config_.threads = 1;
    config_.seq_len = 16;
    config_.warmup = 1;
    config_.rounds = 2;
    config_.repeats = 3;
  }

  tests::ScratchFolder folder_;
  BenchConfig config_;
};

TEST_F(Bench, EveryVariantIsMeasuredAsOftenAsAsked) {
  config_.steps = 2;
  const BenchResult result = bench(config_, {});
  ASSERT_EQ(result.variants.size(), 2u);
  EXPECT_EQ(result.variants[0].name, "plain");
  EXPECT_EQ(result.variants[0].layers, 0);
  EXPECT_EQ(result.variants[1].name, "optical.yaml");
  EXPECT_EQ(result.variants[1].layers, 2 * 8);
  for (const BenchVariant& variant : result.variants) {
    ASSERT_EQ(variant.rounds.size(), 2u);
    for (const auto& round : variant.rounds) {
      ASSERT_EQ(round.size(), 3u);
      for (const BenchSample& sample : round) EXPECT_GT(sample.seconds, 0);
    }
  }
  EXPECT_EQ(result.variants[0].simulation_state_bytes, 0);
  EXPECT_GT(result.variants[1].simulation_state_bytes, 0);
  EXPECT_EQ(result.threads, 1);
}

TEST_F(Bench, MemoryIsThatOfWeightsAndOptimizer) {
  const BenchResult result = bench(config_, {});
  const LlamaConfig model = read_llama_config(folder_ / "model/config.json");
  EXPECT_EQ(result.parameters, model.total_parameters());
  EXPECT_EQ(result.weight_bytes, 4 * result.parameters);
  EXPECT_EQ(result.optimizer_bytes, 8 * result.parameters + 4) << "two moments and the step";
  EXPECT_EQ(result.variants[0].gradient_bytes, 4 * result.parameters);
  EXPECT_EQ(result.variants[0].working_weight_bytes, 0) << "fp32 needs no copies";
}

TEST_F(Bench, RulesAreTimedOneByOne) {
  config_.per_rule = true;
  const BenchResult result = bench(config_, {});
  std::vector<std::string> names;
  std::int64_t layers = 0;
  for (const BenchVariant& variant : result.variants) {
    names.push_back(variant.name);
    if (names.size() > 2) layers += variant.layers;
  }
  EXPECT_EQ(names, (std::vector<std::string>{
                       "plain", "optical.yaml", "optical.yaml: model\\.layers\\.[0-9]+\\.self_attn",
                       "optical.yaml: model\\.layers\\.[0-9]+\\.mlp\\.(gate|up|down)_proj",
                       "optical.yaml: model\\.layers\\.[0-9]+\\..*"}))
      << "a rule that wins no layer is none";
  EXPECT_EQ(layers, result.variants[1].layers);
}

TEST_F(Bench, ThreadsAreOnlyLent) {
  at::set_num_threads(1);
  config_.threads = 2;
  EXPECT_EQ(bench(config_, {}).threads, 2);
  EXPECT_EQ(at::get_num_threads(), 1);
}

TEST_F(Bench, AStepThatCannotFitIsRefusedBeforeItIsTaken) {
  config_.batch_size = 1 << 20;
  config_.seq_len = 1 << 16;
  const auto never = [](const std::string& stage, double, double) {
    ADD_FAILURE() << stage << " was begun";
    return false;
  };
  try {
    bench(config_, never);
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    for (const char* part : {"--batch_size", "1048576 x 65536 tokens needs at least", "GB are free",
                             "lower --batch_size (1048576 now)", "--activation_checkpointing layer",
                             "--bf16", "lower --seq_len (65536 now)"}) {
      EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
    }
  }
}

TEST_F(Bench, LongerRowsThanTheModelWasMadeForAreNoted) {
  config_.rounds = config_.repeats = 1;
  config_.transform_configs.clear();
  const auto is_noted = [&] {
    const std::vector<std::string> notes = bench(config_, {}).notes;
    return std::any_of(notes.begin(), notes.end(), [&](const std::string& note) {
      return note.find("seq_len " + std::to_string(config_.seq_len)) != std::string::npos;
    });
  };
  EXPECT_FALSE(is_noted());
  config_.seq_len = read_llama_config(folder_ / "model/config.json").max_position_embeddings + 1;
  config_.batch_size = 1;
  EXPECT_TRUE(is_noted());
}

TEST_F(Bench, TransformsOfOneNameAreToldApartByTheirPaths) {
  config_.rounds = config_.repeats = 1;
  config_.transform_configs.push_back(folder_.write("other/optical.yaml", kOptical).string());
  config_.transform_configs.push_back(folder_.write("third.yaml", kOptical).string());
  const BenchResult result = bench(config_, {});
  ASSERT_EQ(result.variants.size(), 4u);
  EXPECT_EQ(result.variants[1].name, config_.transform_configs[0]);
  EXPECT_EQ(result.variants[2].name, config_.transform_configs[1]);
  EXPECT_EQ(result.variants[3].name, "third.yaml");
}

TEST_F(Bench, TracesAreWrittenWholeAndNothingBesideThem) {
  config_.rounds = config_.repeats = 1;
  config_.profile = (folder_ / "new/traces").string();
  bench(config_, {});
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(*config_.profile)) {
    names.insert(entry.path().filename().string());
    EXPECT_TRUE(nlohmann::json::accept(tests::content_of(entry.path()))) << entry.path();
  }
  EXPECT_EQ(names, (std::set<std::string>{"0.json", "1.json"}));
}

TEST_F(Bench, CanBeCancelledAndRefusesAnUnknownFlavour) {
  const auto cancel = [](const std::string& stage, double, double) {
    return !stage.starts_with("round 2");
  };
  EXPECT_THROW(bench(config_, cancel), Error);
  config_.model_name_or_path.reset();
  config_.flavor = "61M";
  try {
    bench(config_, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("60M"), std::string::npos);
  }
}

}  // namespace
}  // namespace engine
