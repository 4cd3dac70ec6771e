// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/isa_dispatch.h"
#include "kernels/rms_norm/rms_norm.h"

#include <cmath>

namespace kernels::cpu {
namespace {

// Sums run in this many fixed lanes whatever the vector width, so that every processor adds in the
// same order.
constexpr int kLanes = 32;

PARADIGM_ALWAYS_INLINE float sum_of(const float* lanes) {
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

PARADIGM_ALWAYS_INLINE float sum_of_squares(const float* __restrict x, std::int64_t width) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane] * x[i + lane];
  }
  for (int lane = 0; i < width; ++i, ++lane) lanes[lane] += x[i] * x[i];
  return sum_of(lanes);
}

/// Σ gradient · weight · x
PARADIGM_ALWAYS_INLINE float sum_of_products(const float* __restrict gradient,
                                             const float* __restrict weight,
                                             const float* __restrict x, std::int64_t width) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane)
      lanes[lane] += gradient[i + lane] * weight[i + lane] * x[i + lane];
  }
  for (int lane = 0; i < width; ++i, ++lane) lanes[lane] += gradient[i] * weight[i] * x[i];
  return sum_of(lanes);
}

PARADIGM_ALWAYS_INLINE void rms_norm_body(const float* x, const float* weight, std::int64_t rows,
                                          std::int64_t width, float epsilon, float* y,
                                          float* scale) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* __restrict from = x + row * width;
    float* __restrict to = y + row * width;
    const float inverse =
        1.0f / std::sqrt(sum_of_squares(from, width) / static_cast<float>(width) + epsilon);
    for (std::int64_t i = 0; i < width; ++i) to[i] = from[i] * inverse * weight[i];
    scale[row] = inverse;
  }
}

/// x̂ = x·scale: dx = scale · (g·w − x̂ · mean(g·w·x̂)), dw += g·x̂.
PARADIGM_ALWAYS_INLINE void rms_norm_gradient_body(const float* x, const float* weight,
                                                   const float* scale, const float* y_gradient,
                                                   std::int64_t rows, std::int64_t width,
                                                   float* x_gradient,
                                                   float* __restrict weight_gradient) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* __restrict from = x + row * width;
    const float* __restrict gradient = y_gradient + row * width;
    float* __restrict to = x_gradient + row * width;
    const float s = scale[row];
    const float projection =
        sum_of_products(gradient, weight, from, width) * s / static_cast<float>(width);
    for (std::int64_t i = 0; i < width; ++i) {
      const float normalised = from[i] * s;
      to[i] = s * (gradient[i] * weight[i] - normalised * projection);
      weight_gradient[i] += gradient[i] * normalised;
    }
  }
}

}  // namespace

PARADIGM_DISPATCH(void, rms_norm,
                  (const float* x, const float* weight, std::int64_t rows, std::int64_t width,
                   float epsilon, float* y, float* scale),
                  (x, weight, rows, width, epsilon, y, scale))
PARADIGM_DISPATCH(void, rms_norm_gradient,
                  (const float* x, const float* weight, const float* scale, const float* y_gradient,
                   std::int64_t rows, std::int64_t width, float* x_gradient,
                   float* weight_gradient),
                  (x, weight, scale, y_gradient, rows, width, x_gradient, weight_gradient))

}  // namespace kernels::cpu
