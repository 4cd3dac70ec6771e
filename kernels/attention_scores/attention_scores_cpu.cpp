// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention_scores/attention_scores.h"
#include "kernels/isa_dispatch.h"
#include "kernels/row_lanes.h"
#include "kernels/vector_exp.h"

#include <algorithm>
#include <cstring>

namespace kernels::cpu {
namespace {

constexpr int kLanes = kRowLanes;

PARADIGM_ALWAYS_INLINE float sum_of_lanes(float* lanes) {
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

PARADIGM_ALWAYS_INLINE void softmax_row_body(float* row, std::int64_t count, float scale) {
  const float greatest = greatest_in_row(row, count);
  for (std::int64_t i = 0; i < count; ++i) row[i] = exp_of_negative(scale * (row[i] - greatest));

  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += row[i + lane];
  }
  for (int lane = 0; i < count; ++i, ++lane) lanes[lane] += row[i];
  const float sum = sum_of_lanes(lanes);
  for (i = 0; i < count; ++i) row[i] = row[i] / sum;
}

PARADIGM_ALWAYS_INLINE void gradient_row_body(const float* p, float* g, std::int64_t count,
                                              float scale) {
  float lanes[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = 0;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += g[i + lane] * p[i + lane];
  }
  for (int lane = 0; i < count; ++i, ++lane) lanes[lane] += g[i] * p[i];
  const float mean = sum_of_lanes(lanes);
  for (i = 0; i < count; ++i) g[i] = scale * (p[i] * (g[i] - mean));
}

PARADIGM_ALWAYS_INLINE void clip_row_body(const float* scores, float lo, float hi,
                                          std::int64_t count, float* g) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float above = scores[i] >= lo ? g[i] : 0.0f;
    g[i] = scores[i] <= hi ? above : 0.0f;
  }
}

PARADIGM_DISPATCH(void, softmax_row, (float* row, std::int64_t count, float scale),
                  (row, count, scale))
PARADIGM_DISPATCH(void, gradient_row, (const float* p, float* g, std::int64_t count, float scale),
                  (p, g, count, scale))
PARADIGM_DISPATCH(void, clip_row,
                  (const float* scores, float lo, float hi, std::int64_t count, float* g),
                  (scores, lo, hi, count, g))

}  // namespace

Range visible_range(const ScoreTile& tile, const float* scores) {
  Range range;
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    range = merge(range, min_max(scores + row * tile.cols, tile.visible(row)));
  }
  return range;
}

Range probabilities(const ScoreTile& tile, const float* scores, const ScoreReadOut& how,
                    float* probabilities) {
  Range observed;
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    const std::int64_t visible = tile.visible(row);
    float* out = probabilities + row * tile.cols;
    ReadOut row_read_out = how.read_out;
    row_read_out.noise = how.read_out.noise.at(row * tile.keys);
    row_read_out.bias = nullptr;
    observed =
        merge(observed, read_out(scores + row * tile.cols, 1, visible, row_read_out, out, visible));
    if (visible > 0) softmax_row(out, visible, how.scale);
    std::fill(out + visible, out + tile.cols, 0.0f);
  }
  return observed;
}

void drop(const ScoreTile& tile, float drop, const NoiseStream& noise, float* x) {
  constexpr std::int64_t chunk = 1024;
  float u[chunk];
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    for (std::int64_t begin = 0; begin < tile.visible(row); begin += chunk) {
      const std::int64_t count = std::min(chunk, tile.visible(row) - begin);
      float* value = x + row * tile.cols + begin;
      uniform(noise.at(row * tile.keys + begin), count, u);
      for (std::int64_t i = 0; i < count; ++i)
        value[i] = u[i] >= drop ? value[i] / (1.0f - drop) : 0.0f;
    }
  }
}

void score_gradient(const ScoreTile& tile, const float* probabilities, float scale,
                    const float* scores, const float* clip_range, float* gradient) {
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    const std::int64_t visible = tile.visible(row);
    float* g = gradient + row * tile.cols;
    gradient_row(probabilities + row * tile.cols, g, visible, scale);
    if (clip_range != nullptr)
      clip_row(scores + row * tile.cols, clip_range[0], clip_range[1], visible, g);
    std::fill(g + visible, g + tile.cols, 0.0f);
  }
}

}  // namespace kernels::cpu
