// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/computing_errors.h"

#include "kernels/cuda_error.h"

#include <c10/util/Exception.h>

#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <stdexcept>
#include <string>

namespace engine {
namespace {

Problem problem_of(const std::function<int()>& work) {
  try {
    with_errors_as("test-failed", work);
  } catch (const Error& error) {
    return error.problems().at(0);
  }
  return {};
}

TEST(ComputingErrors, WhatIsThrownBelowIsAnErrorWithTheId) {
  const Problem of_torch = problem_of([]() -> int { TORCH_CHECK(false, "no such kernel"); });
  EXPECT_EQ(of_torch.id, "test-failed");
  EXPECT_EQ(of_torch.message.find("no such kernel"), 0u) << of_torch.message;
  EXPECT_EQ(of_torch.message.find("Exception raised from"), std::string::npos);
  const Problem of_cuda = problem_of([]() -> int { throw kernels::CudaError("f(): lost"); });
  EXPECT_EQ(of_cuda.id, "test-failed");
  EXPECT_EQ(of_cuda.message,
            "The GPU has failed: CUDA error: lost. Look at nvidia-smi and the kernel's log, then "
            "start the program again");
  const Problem of_any = problem_of([]() -> int { throw std::runtime_error("no such file"); });
  EXPECT_EQ(of_any.message, "no such file");
  const Problem of_gpu_memory = problem_of([]() -> int {
    throw c10::OutOfMemoryError({"f", "file", 1},
                                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 79 GiB "
                                "of which 1.05 GiB is free. See the manual of the allocator");
  });
  EXPECT_EQ(of_gpu_memory.message,
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 79 GiB of which 1.05 GiB is "
            "free.");
  EXPECT_NE(of_gpu_memory.remedy.find("a smaller batch"), std::string::npos);
  const Problem of_memory = problem_of([]() -> int { throw std::bad_alloc(); });
  EXPECT_EQ(of_memory.id, "test-failed");
  EXPECT_EQ(of_memory.message, "out of memory");
}

TEST(ComputingErrors, AnErrorAndAResultPass) {
  EXPECT_EQ(problem_of([]() -> int { fail("own", {}, "known"); }).id, "own");
  EXPECT_EQ(with_errors_as("test-failed", [] { return 7; }), 7);
}

}  // namespace
}  // namespace engine
