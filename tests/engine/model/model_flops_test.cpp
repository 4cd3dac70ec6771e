// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/model_flops.h"

#include "engine/model/clm_family.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(ModelFlops, AreThoseOfTheWholeFamily) {
  struct Expected {
    const char* flavour;
    double upstream;  ///< GFLOP per token at 2048, by 6·N_ex + 12·L·H·D·S
  };
  for (const auto& [flavour, upstream] : {Expected{"debug", 0.0470},
                                          {"60M", 0.587},
                                          {"200M", 1.798},
                                          {"400M", 3.159},
                                          {"600M", 4.644},
                                          {"1.1B", 7.626}}) {
    const LlamaConfig config = *find_clm_config(flavour);
    EXPECT_NEAR(upstream_flops_per_token(config, 2048) / 1e9, upstream, 0.0006) << flavour;
  }
}

TEST(ModelFlops, CountCausalAttentionAtHalf) {
  const LlamaConfig config = *find_clm_config("60M");
  // Linears and head 2 FLOPs a weight, attention 2·S·H·D a layer, backward twice the forward.
  const double weights = 22 * (2 * 384 * 384 + 2 * 384 * 128 + 3 * 384 * 1408) + 384.0 * 49152;
  EXPECT_DOUBLE_EQ(train_flops_per_token(config, 2048), 3 * (2 * weights + 22 * 2.0 * 2048 * 384));
  EXPECT_NEAR(train_flops_per_token(config, 2048) / 1e9, 0.48, 0.01);
  EXPECT_NEAR(train_flops_per_token(*find_clm_config("1.1B"), 2048) / 1e9, 7.02, 0.01);
}

TEST(ModelFlops, APeakIsKnownForDevicesThatAreListedAlone) {
  EXPECT_EQ(peak_bf16_flops("NVIDIA H200"), 989e12);
  EXPECT_EQ(peak_bf16_flops("NVIDIA H100 80GB HBM3"), 989e12);
  EXPECT_EQ(peak_bf16_flops("NVIDIA H100 PCIe"), 756e12);
  EXPECT_EQ(peak_bf16_flops("NVIDIA H100 NVL"), 835e12);
  EXPECT_EQ(peak_bf16_flops("NVIDIA A100-SXM4-80GB"), 312e12);
  for (const char* unknown : {"NVIDIA H200 NVL", "NVIDIA GH200 480GB", "NVIDIA L40S",
                              "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", ""}) {
    EXPECT_FALSE(peak_bf16_flops(unknown)) << unknown;
  }
}

}  // namespace
}  // namespace engine
