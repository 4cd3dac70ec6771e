// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/device_error.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(DeviceError, OfAGpuNamesTheErrorAndTheWayOut) {
  const c10::Error error({"f", "file", 1},
                         "CUDA error: unspecified launch failure\nSearch for it in the manual.\n");
  EXPECT_EQ(
      device_error_message(error),
      "The GPU has failed: CUDA error: unspecified launch failure. Look at nvidia-smi and the "
      "kernel's log, then resume from the last checkpoint");
}

TEST(DeviceError, OfAnythingElseSaysWhatLibTorchSays) {
  const c10::Error error({"f", "file", 1}, "mat1 and mat2 shapes cannot be multiplied\nat all");
  EXPECT_EQ(device_error_message(error), "mat1 and mat2 shapes cannot be multiplied\nat all");
}

}  // namespace
}  // namespace engine
