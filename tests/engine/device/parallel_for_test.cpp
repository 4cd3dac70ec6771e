// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/parallel_for.h"

#include <ATen/Parallel.h>

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

TEST(ParallelFor, VisitsEveryIndexOnce) {
  for (const std::int64_t count : {0, 1, 2, 7, 100, 4097}) {
    for (const std::int64_t grain : {1, 3, 64, 10'000}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
      engine::parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (const auto& visit : visits) ASSERT_EQ(visit, 1) << count << " by " << grain;
    }
  }
}

TEST(ParallelFor, UsesMoreThanOneThread) {
  at::set_num_threads(2);
  std::set<std::thread::id> threads;
  std::mutex mutex;
  engine::parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 2u);
}

TEST(ParallelFor, NestedCallsRunInPlace) {
  std::atomic<std::int64_t> sum = 0;
  engine::parallel_for(4, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      engine::parallel_for(10, 1, [&](std::int64_t b, std::int64_t e) { sum += e - b; });
    }
  });
  EXPECT_EQ(sum, 40);
}

TEST(ParallelFor, AnExceptionComesBack) {
  EXPECT_THROW(engine::parallel_for(
                   8, 1, [](std::int64_t, std::int64_t) { throw std::runtime_error("piece"); }),
               std::runtime_error);
}

}  // namespace
