// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/step_profile.h"

#include "tests/support/scratch_folder.h"

#include <ATen/Parallel.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

namespace engine {
namespace {

TEST(StepProfile, ToldByTheirNamesKernelsFallIntoKinds) {
  EXPECT_EQ(kind_of_kernel("nvjet_tst_256x128_64x4_2x1_v_bz_coopA_NNT"), "matmul");
  EXPECT_EQ(kind_of_kernel("cudnn_generated_fort_native_sdpa_sm90_flash_fprop"), "attention");
  EXPECT_EQ(kind_of_kernel("void kernels::cuda::rms_norm_kernel<float>"), "norm");
  EXPECT_EQ(kind_of_kernel("aten::embedding"), "embedding");
  EXPECT_EQ(kind_of_kernel("something new"), "other");
}

TEST(StepProfile, OperatorsAreCountedWithoutThoseThatTheyCall) {
  at::set_num_threads(1);
  tests::ScratchFolder folder;
  const at::Tensor x = at::rand({256, 256});
  const auto started = std::chrono::steady_clock::now();
  const auto kinds = profile(at::kCPU, folder / "trace.json", [&] {
    for (int i = 0; i < 3; ++i) at::linear(x, x);
  });
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  double total = 0;
  for (const KernelTime& each : kinds) total += each.seconds;
  EXPECT_GT(total, 0);
  EXPECT_LE(total, wall) << "linear calls matmul calls mm: each moment counts once";
  ASSERT_FALSE(kinds.empty());
  EXPECT_EQ(kinds.front().kind, "matmul");
  EXPECT_GE(kinds.front().calls, 3);
  std::ifstream trace(folder / "trace.json");
  EXPECT_FALSE(nlohmann::json::parse(trace).at("traceEvents").empty());
}

}  // namespace
}  // namespace engine
