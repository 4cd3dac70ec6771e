// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/memory_limit.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(MemoryLimit, IsPlausible) {
  EXPECT_GT(memory_limit(), std::int64_t{64} << 20);
  EXPECT_LT(memory_limit(), std::int64_t{1} << 50);
}

TEST(AvailableMemory, IsSomeOfTheLimit) {
  EXPECT_GT(available_memory(), 0);
  EXPECT_LE(available_memory(), memory_limit());
}

}  // namespace
}  // namespace engine
