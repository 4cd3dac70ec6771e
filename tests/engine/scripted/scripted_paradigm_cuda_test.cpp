// SPDX-License-Identifier: GPL-3.0-or-later
// TorchScript modules on CUDA: the noise of the CPU, the same checks.
#include "engine/conformance/paradigm_conformance.h"
#include "engine/scripted/scripted_paradigm.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace engine {
namespace {

namespace fs = std::filesystem;

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed));
}

/// Below the source tree, or the working folder where the binary was copied elsewhere.
fs::path path_of(const std::string& file) {
  const fs::path built_from = PARADIGM_SOURCE_DIR "/" + file + ".pt";
  return fs::exists(built_from) ? built_from : fs::path(file + ".pt");
}

ScriptedFilePtr read(const std::string& file) {
  return read_scripted_file(path_of(file), "device");
}

class ScriptedCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
    if (!fs::exists(path_of("tests/golden/paradigms/noise")))
      GTEST_SKIP() << "the source tree is not here";
  }
};

TEST_F(ScriptedCuda, NoiseHasTheBitsOfTheCpu) {
  const ScriptedFilePtr file = read("tests/golden/paradigms/noise");
  const auto draw = [&](at::Device device, const char* which) {
    ParamValues values;
    values.set("which", std::string(which));
    const auto layer = make_scripted_paradigm(file)->replace(
        std::make_unique<PlainLinear>("lm_head", normal({33, 65}, 1).to(device), at::Tensor()),
        file->info.schema.effective(values), {42, device});
    ForwardContext context;
    context.phase = Phase::train;
    context.step = 5;
    context.first_sequence = 3;
    return layer->forward(normal({3, 17, 65}, 2).to(device), context).cpu();
  };
  for (const char* which : {"output", "cells", "chip"})
    EXPECT_TRUE(at::equal(draw(at::kCPU, which), draw(at::kCUDA, which))) << which;
}

TEST_F(ScriptedCuda, ModulesKeepWhatTheyKeepOnTheCpu) {
  for (const char* name :
       {"configs/paradigms/photodetector/photodetector", "tests/golden/paradigms/noise"}) {
    const ScriptedFilePtr file = read(name);
    const auto on = [&](at::Device device) {
      return conformance_cases(file->info, make_scripted_paradigm(file), device);
    };
    const auto cpu = on(at::kCPU), cuda = on(at::kCUDA);
    for (std::size_t subject = 0; subject < cpu.size(); ++subject) {
      const auto right = check_conformance(cpu[subject]), ours = check_conformance(cuda[subject]);
      for (std::size_t i = 0; i < right.size(); ++i)
        EXPECT_EQ(ours[i].outcome, right[i].outcome)
            << name << " " << ours[i].check << ": " << ours[i].reason;
    }
  }
}

}  // namespace
}  // namespace engine
