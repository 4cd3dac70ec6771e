// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace kernels::device {

/// Turns one pair of a head's halves by the angle with this cosine and sine.
__device__ inline void turn(float cos, float sin, float& first, float& second) {
  const float x = first;
  first = fmaf(x, cos, -second * sin);
  second = fmaf(second, cos, x * sin);
}

}  // namespace kernels::device
