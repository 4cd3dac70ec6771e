// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/noise/noise.h"

namespace kernels::device {

/// When the draw happens: the moving clock's time where there is one.
__device__ inline NoiseTime time_of(const NoiseStream& stream) {
  return stream.clock == nullptr ? stream.time : *stream.clock;
}

}  // namespace kernels::device
