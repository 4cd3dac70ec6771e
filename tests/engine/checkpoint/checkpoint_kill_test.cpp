// SPDX-License-Identifier: GPL-3.0-or-later
// A process that saves and rotates without pause is killed at random points: what is left is always
// the last complete checkpoint or a newer one, never half of one.
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/training/optimizer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/Parallel.h>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Saves step after step from `first` on; tells each completed one through `pipe`.
[[noreturn]] void save_forever(const fs::path& model_dir, const fs::path& run_dir,
                               std::int64_t first, int pipe) {
  const LlamaConfig config = read_llama_config(model_dir / "config.json");
  std::vector<std::string> notes;
  Llama model(config, load_weights(model_dir, config, at::kCPU, notes));
  const AdamW optimizer(model.parameters(), {});
  const CheckpointFiles files = checkpoint_files(config, model_dir, model_dir, "", "");
  for (std::int64_t step = first;; ++step) {
    Manifest manifest;
    manifest.trainer.step = step;
    const SaveResult saved = save_checkpoint(run_dir, model, optimizer, files, manifest);
    if (write(pipe, &step, sizeof(step)) != sizeof(step)) _exit(1);
    rotate_checkpoints(run_dir, 2, saved.path);
  }
}

TEST(CheckpointKill, ACompleteCheckpointSurvivesEveryKill) {
  at::set_num_threads(1);
  const tests::ScratchFolder folder;
  tests::write_tiny_llama(folder / "model");
  const fs::path run = folder / "run";
  fs::create_directories(run);
  const int kills = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 200 : 8;
  std::mt19937 random(5);
  std::int64_t confirmed = 0;
  for (int kill_number = 0; kill_number < kills; ++kill_number) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      save_forever(folder / "model", run, confirmed + 1, ends[1]);
    }
    close(ends[1]);
    // The first save of this child, then a random while into the following ones.
    std::int64_t step = 0;
    ASSERT_EQ(read(ends[0], &step, sizeof(step)), static_cast<ssize_t>(sizeof(step)));
    usleep(random() % 60000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    do {
      confirmed = std::max(confirmed, step);
    } while (read(ends[0], &step, sizeof(step)) == static_cast<ssize_t>(sizeof(step)));
    close(ends[0]);

    const NewestCheckpoint newest = newest_checkpoint(run, FileCheck::hashes);
    ASSERT_TRUE(newest.checkpoint);
    EXPECT_TRUE(newest.passed_over.empty());
    EXPECT_GE(newest.checkpoint->step, confirmed);
    EXPECT_LE(newest.checkpoint->step, confirmed + 1);
    confirmed = newest.checkpoint->step;
    sweep_leftovers(run);
    for (const auto& entry : fs::directory_iterator(run)) {
      EXPECT_TRUE(entry.path().filename().string().starts_with("checkpoint-")) << entry.path();
      EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos) << entry.path();
    }
  }
  EXPECT_GE(confirmed, kills);
}

}  // namespace
}  // namespace engine
