// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention_scores/attention_scores.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kernels::reference {

Range visible_range(const ScoreTile& tile, const float* scores) {
  Range range;
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    range = merge(range, min_max(scores + row * tile.cols, tile.visible(row)));
  }
  return range;
}

Range probabilities(const ScoreTile& tile, const float* scores, const ScoreReadOut& how,
                    float* probabilities) {
  const Range observed = visible_range(tile, scores);
  std::vector<float> level(static_cast<std::size_t>(tile.cols));
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    const std::int64_t visible = tile.visible(row);
    ReadOut row_read_out = how.read_out;
    row_read_out.noise = how.read_out.noise.at(row * tile.keys);
    row_read_out.bias = nullptr;
    read_out(scores + row * tile.cols, 1, visible, row_read_out, level.data(), visible);

    double greatest = -std::numeric_limits<double>::infinity();
    for (std::int64_t j = 0; j < visible; ++j) greatest = std::max<double>(greatest, level[j]);
    double sum = 0;
    for (std::int64_t j = 0; j < visible; ++j) sum += std::exp(how.scale * (level[j] - greatest));
    for (std::int64_t j = 0; j < tile.cols; ++j) {
      const bool hidden = j >= visible;
      probabilities[row * tile.cols + j] =
          hidden ? 0.0f : static_cast<float>(std::exp(how.scale * (level[j] - greatest)) / sum);
    }
  }
  return observed;
}

void drop(const ScoreTile& tile, float drop, const NoiseStream& noise, float* x) {
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    for (std::int64_t j = 0; j < tile.visible(row); ++j) {
      float u = 0;
      uniform(noise.at(row * tile.keys + j), 1, &u);
      float& value = x[row * tile.cols + j];
      value = u >= drop ? value / (1.0f - drop) : 0.0f;
    }
  }
}

void score_gradient(const ScoreTile& tile, const float* probabilities, float scale,
                    const float* scores, const float* clip_range, float* gradient) {
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    const float* p = probabilities + row * tile.cols;
    float* g = gradient + row * tile.cols;
    double mean = 0;
    for (std::int64_t j = 0; j < tile.visible(row); ++j) mean += static_cast<double>(g[j]) * p[j];
    for (std::int64_t j = 0; j < tile.cols; ++j) {
      const float raw = scores == nullptr ? 0.0f : scores[row * tile.cols + j];
      const bool clipped = clip_range != nullptr && !(clip_range[0] <= raw && raw <= clip_range[1]);
      const bool hidden = j >= tile.visible(row);
      g[j] = hidden || clipped ? 0.0f : static_cast<float>(scale * (p[j] * (g[j] - mean)));
    }
  }
}

}  // namespace kernels::reference
