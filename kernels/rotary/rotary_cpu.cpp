// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/isa_dispatch.h"
#include "kernels/rotary/rotary.h"

namespace kernels::cpu {
namespace {

PARADIGM_ALWAYS_INLINE void rotate_heads_body(const float* x, const float* cos, const float* sin,
                                              std::int64_t positions, std::int64_t heads,
                                              std::int64_t half, bool inverse, float* y) {
  const float direction = inverse ? -1.0f : 1.0f;
  for (std::int64_t position = 0; position < positions; ++position) {
    const float* __restrict c = cos + position * half;
    const float* __restrict s = sin + position * half;
    for (std::int64_t head = 0; head < heads; ++head) {
      const std::int64_t offset = (position * heads + head) * 2 * half;
      const float* __restrict x1 = x + offset;
      const float* __restrict x2 = x1 + half;
      float* __restrict y1 = y + offset;
      float* __restrict y2 = y1 + half;
      for (std::int64_t j = 0; j < half; ++j) {
        const float turned = direction * s[j];
        const float first = x1[j];
        const float second = x2[j];
        y1[j] = first * c[j] - second * turned;
        y2[j] = second * c[j] + first * turned;
      }
    }
  }
}

}  // namespace

PARADIGM_DISPATCH(void, rotate_heads,
                  (const float* x, const float* cos, const float* sin, std::int64_t positions,
                   std::int64_t heads, std::int64_t half, bool inverse, float* y),
                  (x, cos, sin, positions, heads, half, inverse, y))

}  // namespace kernels::cpu
