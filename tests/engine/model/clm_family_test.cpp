// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/clm_family.h"

#include "engine/error.h"
#include "engine/transform/layer_inventory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace engine {
namespace {

struct Row {
  const char* name;
  std::int64_t intermediate_size;
  std::int64_t non_embedding;
  std::int64_t total;
  int linears;
  int attentions;
};

constexpr Row kTable[] = {
    {"debug", 512, 6'783'616, 13'075'072, 15, 2},
    {"60M", 1408, 63'226'752, 82'101'120, 155, 22},
    {"200M", 2688, 224'170'752, 261'919'488, 169, 24},
    {"400M", 3328, 408'511'680, 455'697'600, 211, 30},
    {"600M", 4096, 622'929'024, 679'552'128, 225, 32},
    {"1.1B", 5376, 1'069'647'360, 1'145'144'832, 225, 32},
};

TEST(ClmFamily, HasTheNumbersOfTheTable) {
  ASSERT_EQ(clm_family().size(), std::size(kTable));
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    const Row& row = kTable[i];
    const LlamaConfig& config = clm_family()[i].config;
    SCOPED_TRACE(row.name);
    EXPECT_EQ(clm_family()[i].name, row.name);
    EXPECT_EQ(config.intermediate_size, row.intermediate_size);
    EXPECT_EQ(config.non_embedding_parameters(), row.non_embedding);
    EXPECT_EQ(config.total_parameters(), row.total);
    const LayerInventory inventory = layer_inventory(config);
    const auto count = [&](LayerKind kind) {
      return std::ranges::count(inventory.layers(), kind, &LayerInfo::kind);
    };
    EXPECT_EQ(count(LayerKind::linear), row.linears);
    EXPECT_EQ(count(LayerKind::attention), row.attentions);
  }
}

TEST(ClmFamily, HeadsHave64ElementsButInDebug) {
  for (const ClmFlavour& flavour : clm_family()) {
    EXPECT_EQ(flavour.config.head_dim, flavour.name == "debug" ? 32 : 64) << flavour.name;
  }
}

TEST(ClmFamily, IsFoundByEverySpellingOfItsNames) {
  for (const char* name : {"60M", "60m", "clm-60m", "CLM-60M", "AICrossSim/clm-60m"}) {
    const auto config = find_clm_config(name);
    ASSERT_TRUE(config) << name;
    EXPECT_EQ(config->hidden_size, 384) << name;
  }
  EXPECT_FALSE(find_clm_config("clm-70m"));
  EXPECT_FALSE(find_clm_config(""));
}

TEST(ClmFamily, AnUnknownNameIsRefusedWithTheKnownOnes) {
  try {
    named_llama_config("clm-70m");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("clm-70m"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("clm-1.1b"), std::string::npos);
  }
}

TEST(ClmFamily, WritesAConfigurationThatReadsBack) {
  for (const ClmFlavour& flavour : clm_family()) {
    const LlamaConfig again = parse_llama_config(llama_config_json(flavour.config), "config.json");
    EXPECT_EQ(again.total_parameters(), flavour.config.total_parameters()) << flavour.name;
    EXPECT_EQ(again.rms_norm_eps, 1e-5);
    EXPECT_FALSE(again.rope_scaling);
  }
}

}  // namespace
}  // namespace engine
