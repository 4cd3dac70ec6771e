// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/device_error.h"

#include "kernels/cuda_error.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>

namespace engine {
namespace {

TEST(DeviceError, OfAGpuNamesTheErrorAndTheWayOut) {
  const c10::Error error({"f", "file", 1},
                         "CUDA error: unspecified launch failure\nSearch for it in the manual.\n");
  EXPECT_EQ(
      device_error_message(error, "resume from the last checkpoint"),
      "The GPU has failed: CUDA error: unspecified launch failure. Look at nvidia-smi and the "
      "kernel's log, then resume from the last checkpoint");
}

TEST(DeviceError, OfAKernelOfOursIsTheSameWithoutTheCallsPlace) {
  const kernels::CudaError error("cudaGetLastError() at file.cu:7: unspecified launch failure");
  EXPECT_EQ(
      device_error_message(error, "wait"),
      "The GPU has failed: CUDA error: unspecified launch failure. Look at nvidia-smi and the "
      "kernel's log, then wait");
}

TEST(DeviceError, OfAnythingElseSaysWhatLibTorchSays) {
  const c10::Error error({"f", "file", 1}, "mat1 and mat2 shapes cannot be multiplied\nat all");
  EXPECT_EQ(device_error_message(error, "wait"),
            "mat1 and mat2 shapes cannot be multiplied\nat all");
  EXPECT_EQ(device_error_message(std::runtime_error("no such file"), "wait"), "no such file");
}

/// LibTorch's own words: if they change, this is where it shows.
TEST(DeviceError, OfTheProcessorsMemorySaysHowMuchWasAskedFor) {
  try {
    const at::Tensor too_much = at::empty({std::int64_t{1} << 58}, at::kByte);
    FAIL() << "there is room for " << too_much.nbytes();
  } catch (const c10::Error& error) {
    const std::string message = memory_asked_for(error);
    EXPECT_TRUE(message.starts_with("Out of memory. 288230376.2 GB were asked for in one piece; "))
        << message;
    EXPECT_TRUE(message.ends_with(" GB are free.")) << message;
  }
  EXPECT_EQ(memory_asked_for(c10::Error({"f", "file", 1}, "shapes do not fit")), "");
}

}  // namespace
}  // namespace engine
