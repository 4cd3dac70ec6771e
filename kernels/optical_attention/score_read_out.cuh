// SPDX-License-Identifier: GPL-3.0-or-later
// The noisy read-out of raw scores as codes 0 ... L - 1: those of LevelGrid, bit for bit, at a
// third of its instructions. A fused multiply-add that clamps and another one give v + xi to within
// a bound that is known beforehand. Unless it lies that close to half a code, the code is certain;
// a score that is in doubt, one in thousands, is computed as LevelGrid does.
#pragma once

#include "kernels/device/mma.cuh"
#include "kernels/device/noise.cuh"
#include "kernels/device/range.cuh"
#include "kernels/level_quantiser/level.h"
#include "kernels/optical_attention/optical_attention.h"

#include <cstdint>

namespace kernels::optical_attention {

/// 1.5 * 2^23: a sum with it rounds to an integer, ties to even, for |x| < 2^22. A code k is
/// carried "lifted", as kLift + k: differences are exact, and its low bits are k.
constexpr float kLift = 12582912.0f;
/// Read-outs are counted in 2^-31 of a code, the unit of a noise word.
constexpr float kUnits = 2147483648.0f;

/// What the read-out of the scores draws; a kernel parameter, so that the keys are constants.
struct ScoreNoise {
  PhiloxRoundKeys keys;
  NoiseStream stream;

  explicit ScoreNoise(const NoiseStream& noise) : keys(noise.key), stream(noise) {}
};

/// x * y + z, clamped to [0, 1]; 0 for NaN.
__device__ inline float multiply_add_clamped(float x, float y, float z) {
  float result;
  asm("fma.rn.sat.f32 %0, %1, %2, %3;" : "=f"(result) : "f"(x), "f"(y), "f"(z));
  return result;
}

struct ScoreReader {
  float slope, offset;  ///< of the quotient (x - lo) / divisor
  float top;            ///< levels - 1, in units
  float certain;        ///< a sum this far or less from an integer rounds to it, in units
  const float* range;
  std::int32_t levels;

  __device__ explicit ScoreReader(const OpticalAttention& how)
      : range(how.qk_range), levels(how.levels) {
    const LevelGrid grid(range, levels);
    slope = 1.0f / grid.divisor;
    offset = -grid.lo * slope;
    top = grid.top * kUnits;
    // Of an ulp's half, 2^-24, LevelGrid errs by 4 top + 5 and the sum below by
    // (3 + |offset|) top + 3; and the quotient of hi is not quite 1. NaN is in doubt as well.
    const float ulps = grid.top * (8.0f + fabsf(offset)) + 9.0f;
    certain = (0.5f - ulps * 0x1p-24f - 1.01e-8f * grid.top * slope) * kUnits;
  }

  /// As LevelGrid: lifted, in units.
  template <bool noisy>
  __device__ float exact_code(float raw, std::uint32_t word) const {
    const FastLevelGrid grid(range, levels);
    const float above = device::least(device::greatest(raw, grid.lo), grid.hi) - grid.lo;
    const float v = FastLevelGrid::quotient(above, grid.divisor, grid.reciprocal) * grid.top;
    const float xi = noisy ? uniform_from_word(word) - 0.5f : 0.0f;
    // v + xi >= -0.5 rounds to no less than 0.
    return device::least((v + xi) + kLift, grid.top + kLift) * kUnits;
  }

  /// Raw scores of rows r and r + 8, in the order of a product's two eights of columns, become
  /// lifted codes in units; `code` gets the codes themselves, in units. `seen` is NaN if any of the
  /// thread's scores so far was.
  template <bool noisy>
  __device__ void read_out(float (&score)[2][4], const PhiloxBlock (&words)[2], float seen,
                           float (&code)[2][4]) const {
    float lifted[2][4];
    float distance[2][4];
#pragma unroll
    for (int eight = 0; eight < 2; ++eight) {
#pragma unroll
      for (int at = 0; at < 4; ++at) {
        const auto word = static_cast<std::int32_t>(words[at / 2].word[2 * eight + at % 2]);
        const float quotient = multiply_add_clamped(score[eight][at], slope, offset);
        const float xi = noisy ? fabsf(static_cast<float>(word)) - 0.5f * kUnits : 0.0f;
        const float sum = fmaf(quotient, top, xi);
        lifted[eight][at] = sum + kLift * kUnits;
        code[eight][at] = lifted[eight][at] - kLift * kUnits;
        distance[eight][at] = fabsf(sum - code[eight][at]);
      }
    }
    const auto farthest = [&](int eight) {
      const float(&d)[4] = distance[eight];
      return device::greatest(device::greatest(d[0], d[1]), device::greatest(d[2], d[3]));
    };
    if (!(device::greatest(farthest(0), farthest(1)) <= certain) || seen != seen) {
#pragma unroll
      for (int eight = 0; eight < 2; ++eight) {
#pragma unroll
        for (int at = 0; at < 4; ++at) {
          lifted[eight][at] =
              exact_code<noisy>(score[eight][at], words[at / 2].word[2 * eight + at % 2]);
          code[eight][at] = lifted[eight][at] - kLift * kUnits;
        }
      }
    }
#pragma unroll
    for (int eight = 0; eight < 2; ++eight)
      for (int at = 0; at < 4; ++at) score[eight][at] = lifted[eight][at];
  }
};

/// P from the codes of a row: 2^(code * step + exponent), where the row's exponent contains the
/// sum of all.
struct Softmax {
  float step;  ///< one code's share of the exponent of 2: scale * log2(e) * width / top
  float top;   ///< levels - 1
  /// kLift, which the compiler does not know: as a constant it would take the place in the
  /// instruction that the bytes' selector needs.
  float lift;

  __device__ explicit Softmax(const OpticalAttention& how) {
    const LevelGrid grid(how.qk_range, how.levels);
    top = grid.top;
    step = how.scale * 1.44269504088896341f * (grid.width / grid.top);
    lift = __uint_as_float(__float_as_uint(kLift) | static_cast<std::uint32_t>(how.levels) >> 31);
  }

  __device__ float power(float code, float exponent) const {
    return device::exp2_fast(fmaf(code, step, exponent));
  }
};

}  // namespace kernels::optical_attention
