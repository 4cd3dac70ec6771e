// SPDX-License-Identifier: GPL-3.0-or-later
// The equations of level_quantiser.h written down once more, on their own: the oracle of every
// faster version.
#include "kernels/level_quantiser/level_quantiser.h"

#include <algorithm>
#include <cmath>

namespace kernels::reference {
namespace {

float clamp(float x, float low, float high) {
  if (x < low) x = low;
  if (x > high) x = high;
  return x;
}

float quantised(float x, float lo, float hi, std::int32_t levels, float xi, bool clamps_k = true) {
  const float r = hi - lo;
  const float n = static_cast<float>(levels - 1);
  const float v = (clamp(x, lo, hi) - lo) / (r + 1e-8f) * n;
  float k = std::rint(v + xi);
  if (clamps_k) k = clamp(k, 0.0f, n);
  return (k / n) * r + lo;
}

float with_floor(float y, float lo, float hi, float lut_min) {
  const float t_plus = lut_min * hi;
  const float t_minus = lut_min * std::fabs(lo);
  if (0.0f < y && y < t_plus) return t_plus;
  if (-t_minus < y && y < 0.0f) return -t_minus;
  return y;
}

}  // namespace

void quantise(const float* x, std::int64_t count, std::int32_t levels, const float* range,
              float lut_min, float* y) {
  for (std::int64_t i = 0; i < count; ++i) {
    y[i] =
        with_floor(quantised(x[i], range[0], range[1], levels, 0.0f), range[0], range[1], lut_min);
  }
}

Range read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, float* y,
               std::int64_t y_stride) {
  const Range observed = min_max(x, rows * cols);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < cols; ++column) {
      const std::int64_t element = row * cols + column;
      float xi = 0.0f;
      if (how.noisy && how.frozen) {
        xi = uniform_from_word(philox(how.noise.key, 0, 0, 0, 0).word[0]) - 0.5f;
      } else if (how.noisy) {
        uniform(how.noise.at(element), 1, &xi);
        xi -= 0.5f;
      }
      const float value =
          quantised(x[element], how.range[0], how.range[1], how.levels, xi, !how.frozen);
      y[row * y_stride + column] = how.bias == nullptr ? value : value + how.bias[column];
    }
  }
  return observed;
}

}  // namespace kernels::reference
