// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/isa_dispatch.h"
#include "kernels/level_quantiser/level.h"
#include "kernels/level_quantiser/level_quantiser.h"

#include <algorithm>

namespace kernels::cpu {
namespace {

// Enough to amortise the call that draws the noise, small enough to stay in the first-level cache.
constexpr std::int64_t kChunk = 1024;

PARADIGM_ALWAYS_INLINE void quantise_body(const float* x, std::int64_t count, std::int32_t levels,
                                          const float* range, float lut_min, float* y) {
  const LevelGrid grid(range, levels);
  const LutFloor floor(range, lut_min);
  for (std::int64_t i = 0; i < count; ++i) y[i] = floor.lift(grid.level(x[i], 0.0f));
}

PARADIGM_ALWAYS_INLINE void read_out_segment_body(const float* x, std::int64_t count,
                                                  const LevelGrid& shared_grid,
                                                  const float* uniform_noise, const float* bias,
                                                  float* y) {
  const LevelGrid grid = shared_grid;
  if (uniform_noise != nullptr && bias != nullptr) {
    for (std::int64_t i = 0; i < count; ++i)
      y[i] = grid.level(x[i], uniform_noise[i] - 0.5f) + bias[i];
  } else if (uniform_noise != nullptr) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = grid.level(x[i], uniform_noise[i] - 0.5f);
  } else if (bias != nullptr) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = grid.level(x[i], 0.0f) + bias[i];
  } else {
    for (std::int64_t i = 0; i < count; ++i) y[i] = grid.level(x[i], 0.0f);
  }
}

}  // namespace

PARADIGM_DISPATCH(void, quantise,
                  (const float* x, std::int64_t count, std::int32_t levels, const float* range,
                   float lut_min, float* y),
                  (x, count, levels, range, lut_min, y))

namespace {
PARADIGM_DISPATCH(void, read_out_segment,
                  (const float* x, std::int64_t count, const LevelGrid& grid,
                   const float* uniform_noise, const float* bias, float* y),
                  (x, count, grid, uniform_noise, bias, y))
}  // namespace

Range read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, float* y,
               std::int64_t y_stride) {
  const LevelGrid grid(how.range, how.levels, how.frozen);
  float noise[kChunk];
  if (how.noisy && how.frozen) std::fill(noise, noise + kChunk, frozen_uniform(how.noise.key));
  Range observed;
  for (std::int64_t begin = 0; begin < rows * cols; begin += kChunk) {
    const std::int64_t end = std::min(begin + kChunk, rows * cols);
    if (how.noisy && !how.frozen) uniform(how.noise.at(begin), end - begin, noise);
    observed = merge(observed, min_max(x + begin, end - begin));
    for (std::int64_t element = begin; element < end;) {
      const std::int64_t row = element / cols;
      const std::int64_t column = element % cols;
      const std::int64_t count = std::min(cols - column, end - element);
      read_out_segment(x + element, count, grid, how.noisy ? noise + (element - begin) : nullptr,
                       how.bias == nullptr ? nullptr : how.bias + column,
                       y + row * y_stride + column);
      element += count;
    }
  }
  return observed;
}

}  // namespace kernels::cpu
