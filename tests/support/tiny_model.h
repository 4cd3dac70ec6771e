// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/Parallel.h>

#include <gtest/gtest.h>

#include <cstdlib>

namespace tests {

/// A tiny checkpoint (model/) in a scratch folder, and a cache of its own for what is tokenised.
/// For tests that see LibTorch.
class TinyModel : public ::testing::Test {
 protected:
  explicit TinyModel(const TinyLlama& model = {}) {
    at::set_num_threads(1);  // a model this small only waits for its threads
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    write_tiny_llama(folder_ / "model", model);
  }
  ~TinyModel() override { unsetenv("XDG_CACHE_HOME"); }

  ScratchFolder folder_;
};

}  // namespace tests
