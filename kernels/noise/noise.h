// SPDX-License-Identifier: GPL-3.0-or-later
// The random numbers of a contiguous piece of a tensor. Which number an element gets depends on the
// stream and on its global index alone: not on threads, tiles, the batch's split or the order of
// calls.
#pragma once

#include "kernels/device.h"
#include "kernels/philox.h"

#include <cstdint>

namespace kernels {

/// One tensor's stream, see noise_key(); `first_element` is the global index of the first element
/// asked for.
struct NoiseStream {
  std::uint64_t key = 0;
  NoiseTime time;
  std::uint64_t first_element = 0;
  /// On CUDA, if not null, device memory that is read instead of `time`: a captured graph then
  /// follows the training's clock. The CPU does not look at it.
  const NoiseTime* clock = nullptr;

  NoiseStream at(std::int64_t offset) const {
    NoiseStream moved = *this;
    moved.first_element += static_cast<std::uint64_t>(offset);
    return moved;
  }
};

namespace reference {
/// out[i] = u(word of element first_element + i), in [0, 1).
void uniform(const NoiseStream& stream, std::int64_t count, float* out);
}  // namespace reference

namespace cpu {
/// As reference::uniform, bit for bit.
void uniform(const NoiseStream& stream, std::int64_t count, float* out);
}  // namespace cpu

#ifdef PARADIGM_WITH_CUDA
namespace cuda {
/// As reference::uniform, bit for bit. `out` is device memory; asynchronous on `stream`.
void uniform(const NoiseStream& stream, std::int64_t count, float* out, Stream cuda_stream);
}  // namespace cuda
#endif

}  // namespace kernels
