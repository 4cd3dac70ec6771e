// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/peak_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace engine {
namespace {

constexpr std::int64_t kMegabyte = 1 << 20;

/// Takes memory and gives it back.
void use(std::int64_t bytes) {
  std::vector<char> buffer(static_cast<std::size_t>(bytes));
  std::memset(buffer.data(), 1, buffer.size());
  volatile char last = buffer.back();
  static_cast<void>(last);
}

TEST(PeakMemory, SeesWhatWasGivenBackAlready) {
  const PeakMemory peak(c10::DeviceType::CPU);
  if (!peak.above_start()) GTEST_SKIP() << "this system does not let the peak be reset";
  use(200 * kMegabyte);
  EXPECT_GE(*peak.above_start(), 190 * kMegabyte);
  EXPECT_LE(*peak.above_start(), 230 * kMegabyte);
}

TEST(PeakMemory, ForgetsWhatCameBefore) {
  use(300 * kMegabyte);
  const PeakMemory peak(c10::DeviceType::CPU);
  if (!peak.above_start()) GTEST_SKIP() << "this system does not let the peak be reset";
  use(50 * kMegabyte);
  EXPECT_LE(*peak.above_start(), 100 * kMegabyte);
}

}  // namespace
}  // namespace engine
