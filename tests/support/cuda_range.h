// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#ifdef PARADIGM_WITH_CUDA

#include "kernels/range_statistics/range_statistics.h"
#include "tests/support/cuda_buffer.h"

#include <vector>

namespace tests {

/// A running range in device memory.
struct CudaRange {
  explicit CudaRange(const std::vector<float>& range) : state(range) {
    kernels::cuda::clear_scratch(scratch.data(), {});
  }
  kernels::cuda::RunningRange running(float smooth, bool uses_new = true) const {
    return {.state = state.data(),
            .scratch = scratch.data(),
            .rejected = rejected.data(),
            .used = used.data(),
            .uses_new = uses_new,
            .smooth = smooth};
  }

  CudaBuffer<float> state;
  CudaBuffer<int> scratch{static_cast<std::size_t>(kernels::cuda::RunningRange::kScratch)};
  CudaBuffer<int> rejected{std::vector<int>{0}};
  CudaBuffer<float> used{std::size_t{2}};
};

}  // namespace tests

#endif
