// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the engine that compute on a GPU; those of kernels have SKIP_WITHOUT_DEVICE().
#pragma once

#include <ATen/Context.h>

#include <gtest/gtest.h>

namespace tests {

#ifdef PARADIGM_WITH_CUDA
inline constexpr bool kBuiltWithCuda = true;
#else
inline constexpr bool kBuiltWithCuda = false;
#endif

}  // namespace tests

/// Ends a test or its SetUp() where the build has no kernels for CUDA, or the machine no device.
#define SKIP_WITHOUT_CUDA()                                         \
  if (!tests::kBuiltWithCuda) GTEST_SKIP() << "built without CUDA"; \
  if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device"
