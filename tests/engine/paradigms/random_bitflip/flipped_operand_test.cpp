// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/flipped_operand.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

/// Allocations of this thread until one fails, once; negative: none does.
thread_local int allocations_left = -1;

}  // namespace

// Every C++ allocation of this program, LibTorch's included.
void* operator new(std::size_t size) {
  if (allocations_left >= 0 && allocations_left-- == 0) throw std::bad_alloc();
  if (void* const memory = std::malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace engine::random_bitflip;

TEST(FlippedOperand, RestoresTheTensorWhicheverAllocationFails) {
  at::set_num_threads(1);
  const at::Tensor source = at::arange(40'000, at::kFloat);
  const at::Tensor before = source.clone();
  OperandFlips flips;
  flips.is_exact = false;
  flips.how.exponent = {.key = 3, .rarity = 12};
  flips.how.fraction = {.key = 4, .rarity = 10};

  int failures = 0;
  for (bool succeeded = false; !succeeded; ++failures) {
    ASSERT_LT(failures, 1000);
    try {
      allocations_left = failures;
      const FlippedOperand seen(source, flips, at::kFloat);
      allocations_left = -1;
      succeeded = true;
      EXPECT_EQ(seen.values().const_data_ptr(), source.const_data_ptr());  // in place, so at stake
      EXPECT_FALSE(at::equal(source, before));
    } catch (const std::bad_alloc&) {
    }
    allocations_left = -1;
    ASSERT_TRUE(at::equal(source, before)) << "allocation " << failures;
  }
  EXPECT_GT(failures, 2);
}

}  // namespace
