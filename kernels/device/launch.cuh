// SPDX-License-Identifier: GPL-3.0-or-later
// Around a launch: the one check macro, the stream, the grid.
#pragma once

#include "kernels/cuda_error.h"
#include "kernels/device.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <string>

#define PARADIGM_CUDA_CHECK(call)                                               \
  do {                                                                          \
    const cudaError_t status_of_call = (call);                                  \
    if (status_of_call != cudaSuccess) {                                        \
      throw ::kernels::CudaError(std::string(#call) + " at " + __FILE__ + ":" + \
                                 std::to_string(__LINE__) + ": " +              \
                                 cudaGetErrorString(status_of_call));           \
    }                                                                           \
  } while (false)

namespace kernels::device {

inline cudaStream_t native(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

constexpr int kThreads = 256;

/// Blocks for a grid-stride loop over `items`: enough to fill any device, few enough that the last
/// wave is short.
inline unsigned grid_for(std::int64_t items) {
  constexpr std::int64_t most = 132 * 16;
  return static_cast<unsigned>(
      std::clamp<std::int64_t>((items + kThreads - 1) / kThreads, 1, most));
}

/// Blocks for a grid-stride loop whose blocks meet in one place of memory at the end: few enough
/// that the meeting costs nothing.
inline unsigned grid_that_meets(std::int64_t items) { return std::min(grid_for(items), 132u * 4); }

}  // namespace kernels::device
