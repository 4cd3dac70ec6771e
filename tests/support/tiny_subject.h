// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/Parallel.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>

namespace tests {

/// What an evaluation works on: a tiny checkpoint (model/), validation.txt and train.txt of so many
/// bytes, and a cache of its own for what is tokenised. For tests that see LibTorch.
class TinySubject : public ::testing::Test {
 protected:
  TinySubject(std::size_t validation_bytes, std::size_t train_bytes) {
    at::set_num_threads(1);  // a model this small only waits for its threads
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    write_tiny_llama(folder_ / "model");
    folder_.write("validation.txt", tiny_text(validation_bytes));
    folder_.write("train.txt", tiny_text(train_bytes, 3));
  }
  ~TinySubject() override { unsetenv("XDG_CACHE_HOME"); }

  engine::EvalConfig eval_config() const {
    engine::EvalConfig config;
    config.model_name_or_path = (folder_ / "model").string();
    config.validation_file = (folder_ / "validation.txt").string();
    config.train_file = (folder_ / "train.txt").string();
    config.block_size = 16;
    config.device = "cpu";
    config.calibrate_batches = 2;
    return config;
  }

  ScratchFolder folder_;
};

}  // namespace tests
