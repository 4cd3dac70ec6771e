// SPDX-License-Identifier: GPL-3.0-or-later
// A GPU that fails in the midst of a run. Afterwards no call of CUDA succeeds in this process, so
// this is its only test with a GPU.
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/error.h"
#include "engine/evaluation/transform_trial.h"
#include "engine/runs/run_reader.h"
#include "engine/training/evaluate.h"
#include "engine/training/train.h"
#include "tests/support/needs_cuda.h"
#include "tests/support/tiny_training.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Launches a kernel that traps in the first GPU's primary context: what follows there fails as it
/// does when the device falls off the bus.
bool break_device() {
  void* const library = dlopen("libcuda.so.1", RTLD_LAZY);
  if (library == nullptr) return false;
  const auto function = [&]<typename F>(const char* name, F*) {
    return reinterpret_cast<F*>(dlsym(library, name));
  };
  using Handle = void*;
  Handle context = nullptr, module = nullptr, kernel = nullptr;
  const char* const code =
      ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry fail() { trap; ret; }\n";
  return function("cuDevicePrimaryCtxRetain", static_cast<int (*)(Handle*, int)>(nullptr))(
             &context, 0) == 0 &&
         function("cuCtxSetCurrent", static_cast<int (*)(Handle)>(nullptr))(context) == 0 &&
         function("cuModuleLoadData", static_cast<int (*)(Handle*, const void*)>(nullptr))(
             &module, code) == 0 &&
         function("cuModuleGetFunction", static_cast<int (*)(Handle*, Handle, const char*)>(
                                             nullptr))(&kernel, module, "fail") == 0 &&
         function("cuLaunchKernel",
                  static_cast<int (*)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned,
                                      unsigned, unsigned, Handle, void**, void**)>(nullptr))(
             kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr) == 0;
}

void expect_failed_device(const std::function<void()>& work) {
  try {
    work();
    ADD_FAILURE() << "went on";
  } catch (const Error& error) {
    const Problem& problem = error.problems().at(0);
    EXPECT_EQ(problem.message.find("The GPU has failed: CUDA error"), 0u) << problem.message;
    EXPECT_NE(problem.message.find("then start the program again"), std::string::npos);
  }
}

class LostDeviceOnCuda : public tests::TinyTraining {
 protected:
  LostDeviceOnCuda() : TinyTraining(810, {.hidden_size = 64, .intermediate_size = 128}) {}
};

TEST_F(LostDeviceOnCuda, TheRunEndsWithItsLastCheckpointIntactAndEveryOtherWorkSaysWhy) {
  SKIP_WITHOUT_CUDA();
  RunConfig config = training("run");
  config.max_steps = 1'000'000;
  config.logging_steps = 1;
  config.save_steps = 20;
  config.device = "cuda";

  TrialConfig trial_config;
  trial_config.eval.model_name_or_path = *config.model_name_or_path;
  trial_config.eval.validation_file = config.train_file;
  trial_config.eval.block_size = 16;
  trial_config.eval.device = "cuda";
  trial_config.batches = 2;
  trial_config.batch_size = 2;
  const auto trial = open_trial(trial_config, {});
  const TransformText flips{"default: {paradigm: random_bitflip, w_p_frac: 0.001}\n",
                            "edited.yaml"};
  ASSERT_GT(trial->try_transform(flips, {}).plain_loss, 0);

  const fs::path run = folder_ / "run";
  std::atomic<bool> is_broken = false;
  std::thread breaker([&] {
    for (int i = 0; i < 3000 && !fs::exists(run / "checkpoint-40/manifest.json"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    is_broken = break_device();
  });
  RunControl control;
  const TrainOutcome outcome = train(config, control, {});
  breaker.join();
  ASSERT_TRUE(is_broken);
  EXPECT_TRUE(outcome.failed);
  EXPECT_NE(outcome.message.find("The GPU has failed: CUDA error"), std::string::npos)
      << outcome.message;
  EXPECT_EQ(RunReader(run).poll().status->state, RunState::failed);

  const NewestCheckpoint newest = newest_checkpoint(run, FileCheck::hashes);
  ASSERT_TRUE(newest.checkpoint.has_value());
  EXPECT_EQ(newest.checkpoint->path.filename(), outcome.last_checkpoint);

  expect_failed_device([&] { evaluate(trial_config.eval, {}); });
  expect_failed_device([&] { trial->try_transform(flips, {}); });
  expect_failed_device([&] { trial->scan(flips, {}); });
}

}  // namespace
}  // namespace engine
