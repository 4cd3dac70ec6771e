// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/time_left.h"

#include <gtest/gtest.h>

namespace paradigm {
namespace {

TEST(TimeLeft, FollowsTheRateSoFar) {
  TimeLeft left;
  const auto start = TimeLeft::Clock::time_point() + std::chrono::hours(1);
  const auto at = [&](int seconds) { return start + std::chrono::seconds(seconds); };
  EXPECT_EQ(left.text(0, 100, at(0)), "") << "nothing is known yet";
  EXPECT_EQ(left.text(20, 100, at(10)), ", 40 s left");
  EXPECT_EQ(left.text(50, 100, at(100)), ", 1 min 40 s left");
  EXPECT_EQ(left.text(100, 100, at(110)), "") << "done";
  EXPECT_EQ(left.text(5, 10, at(111)), "") << "another piece of work begins";
  EXPECT_EQ(left.text(6, 10, at(121)), ", 40 s left");
}

}  // namespace
}  // namespace paradigm
