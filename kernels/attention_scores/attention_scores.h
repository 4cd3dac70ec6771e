// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to a tile of attention scores between the two matmuls of an optical attention:
//   s = Q(q·k; range, noisy)   P = softmax(scale * s) over the keys that the query may see, 0
//   elsewhere
// and its gradient. The read-out acts on unscaled scores; scale and mask come after it.
#pragma once

#include "kernels/level_quantiser/level_quantiser.h"

#include <cstdint>

namespace kernels {

/// Consecutive queries of one head of one sequence against keys 0 … cols - 1, in row-major tiles.
/// The same shape serves scores, probabilities and their gradients; `visible` of row i is
/// first_visible + i, held to [0, cols].
struct ScoreTile {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t first_visible = 0;  ///< keys that the first query may see
  std::int64_t keys =
      0;  ///< keys of the whole sequence: one row's step in the element index of the noise

  std::int64_t visible(std::int64_t row) const {
    const std::int64_t count = first_visible + row;
    return count < 0 ? 0 : (count > cols ? cols : count);
  }
};

/// `read_out.noise` starts at the tile's element (row 0, key 0). Its bias is not used.
struct ScoreReadOut {
  ReadOut read_out;
  float scale = 1;  ///< 1 / sqrt(head_dim)
};

namespace reference {

/// The range of the scores that the mask keeps.
Range visible_range(const ScoreTile& tile, const float* scores);

/// probabilities [rows, cols] from raw scores; may be the same memory. A row that sees no key gets
/// zeros, a row with a NaN becomes NaN. Returns visible_range of the scores.
Range probabilities(const ScoreTile& tile, const float* scores, const ScoreReadOut& how,
                    float* probabilities);

/// Dropout: x * [u >= drop] / (1 - drop) on the visible elements, in place. Linear in x, so its own
/// gradient.
void drop(const ScoreTile& tile, float drop, const NoiseStream& noise, float* x);

/// d_scores = scale * P * (dP - sum(dP * P)) by rows, in place of dP, 0 where hidden. With
/// `clip_range`, also 0 where the raw score lay outside {lo, hi}; `scores` is read only then.
void score_gradient(const ScoreTile& tile, const float* probabilities, float scale,
                    const float* scores, const float* clip_range, float* gradient);

}  // namespace reference

/// visible_range and drop as reference, bit for bit; the softmax to a few units in the last place,
/// the same on every processor.
namespace cpu {
Range visible_range(const ScoreTile& tile, const float* scores);
Range probabilities(const ScoreTile& tile, const float* scores, const ScoreReadOut& how,
                    float* probabilities);
void drop(const ScoreTile& tile, float drop, const NoiseStream& noise, float* x);
void score_gradient(const ScoreTile& tile, const float* probabilities, float scale,
                    const float* scores, const float* clip_range, float* gradient);
}  // namespace cpu

#ifdef PARADIGM_WITH_CUDA
/// On device memory and for many heads at once; asynchronous on `stream`. Read-outs, ranges, counts
/// and dropout have the bits of the reference, the softmax agrees to a few units in the last place.
namespace cuda {

/// The same tile of `count` heads, one after the other in memory: [count, rows, cols].
struct ScoreTiles {
  ScoreTile tile;
  std::int64_t count = 1;
  /// From a head's first score to the next head's, in the element index of the noise.
  std::int64_t element_step = 0;
};

/// What becomes of the probabilities when they are written.
struct ProbabilityOperand {
  std::int32_t levels = 0;         ///< 0: nothing; else Q(P; (0, 1))
  const float* partner = nullptr;  ///< as of quantise(): the range of the second operand
};

/// Folds the range of the scores that the mask keeps into `observed`.
void observe_visible(const ScoreTiles& tiles, const float* scores, ObservedRange observed,
                     Stream stream);

/// As count_values, of the scores that the mask keeps.
void count_visible(const ScoreTiles& tiles, const float* scores, const float* extent,
                   HistogramCounts counts, Stream stream);

/// As count_outside, of the scores that the mask keeps.
void count_visible_outside(const ScoreTiles& tiles, const float* scores, const float* range,
                           unsigned long long* outside, Stream stream);

/// As reference::probabilities for each head; `how.read_out.range` is device memory. `out` may be
/// the memory of the scores when it is fp32. Folds the scores' visible range into `observed` unless
/// it is null.
void probabilities(const ScoreTiles& tiles, const float* scores, const ScoreReadOut& how,
                   const ProbabilityOperand& operand, void* out, ElementType out_type,
                   ObservedRange observed, Stream stream);

/// As reference::drop.
void drop(const ScoreTiles& tiles, float drop, const NoiseStream& noise, float* x, Stream stream);

/// As reference::score_gradient, from d_probabilities to d_scores, which may be the same memory
/// when it is fp32. `clip_range` is device memory or null.
void score_gradient(const ScoreTiles& tiles, const float* probabilities, float scale,
                    const float* scores, const float* clip_range, const float* d_probabilities,
                    void* d_scores, ElementType d_scores_type, Stream stream);

}  // namespace cuda
#endif

}  // namespace kernels
