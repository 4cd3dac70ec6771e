// SPDX-License-Identifier: GPL-3.0-or-later
// The level quantiser of the optical transformer, on operands and on read-outs. All arithmetic in
// fp32:
//   n = L - 1, R = hi - lo, v = (clamp(x, lo, hi) - lo) / (R + 1e-8) * n
//   k = rint(v), or rint(v + xi) on a noisy read-out, ties to even, clamped to [0, n];  y = (k / n)
//   * R + lo
// NaN propagates, infinities clamp, R = 0 gives lo. A range that was never observed, (+inf, -inf),
// gives NaN.
#pragma once

#include "kernels/noise/noise.h"
#include "kernels/range_statistics/range_statistics.h"

#include <cstddef>
#include <cstdint>

namespace kernels {

/// How a read-out is made. The noise xi = u - 0.5 is drawn from `noise` for element row * cols +
/// column.
struct ReadOut {
  std::int32_t levels = 256;     ///< L, 2 ... 65536
  const float* range = nullptr;  ///< {lo, hi}
  bool noisy = true;
  NoiseStream noise;
  const float* bias = nullptr;  ///< [cols], added to the quantised value; may be null
  /// As upstream's kernels compute: one xi for all elements, drawn from noise.key at counter 0, and
  /// k is not clamped.
  bool frozen = false;
};

namespace reference {

/// One operand: y[i] = Q(x[i]). `lut_min` in [0, 1) lifts 0 < |y| < lut_min * (that side's range
/// end) to that end's floor; 0 = no floor. x and y may be the same memory.
void quantise(const float* x, std::int64_t count, std::int32_t levels, const float* range,
              float lut_min, float* y);

/// y[row * y_stride + column] = Q(x[row * cols + column]) + bias[column]. In place when y_stride =
/// cols. Returns the range of x, before any clamp.
Range read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, float* y,
               std::int64_t y_stride);

}  // namespace reference

/// As reference, bit for bit; vectorised.
namespace cpu {
void quantise(const float* x, std::int64_t count, std::int32_t levels, const float* range,
              float lut_min, float* y);
Range read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, float* y,
               std::int64_t y_stride);
}  // namespace cpu

#ifdef PARADIGM_WITH_CUDA
/// As reference, bit for bit, on device memory; asynchronous on `stream`. Input and output may be
/// bf16 or fp16: the arithmetic is fp32 and the result is rounded once, to nearest even.
namespace cuda {
/// With `partner`, the range of the operand that this one will be multiplied with, the result is
/// also multiplied by the power of two that gives both the same magnitude; quantise(partner's
/// operand, partner = this range) gets the inverse. A product of two fp16 operands so made is the
/// product of the values themselves, and neither operand leaves fp16's range.
void quantise(const void* x, ElementType x_type, std::int64_t count, std::int32_t levels,
              const float* range, float lut_min, void* y, ElementType y_type, Stream stream,
              const float* partner = nullptr);
/// Dense rows (y_stride = cols). `how.range` and `how.bias` are device memory. Folds the range of
/// x, before any clamp, into `observed` unless that is null.
void read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, void* y,
              ElementType y_type, cuda::ObservedRange observed, Stream stream);
/// The same of x [rows > 0, cols > 0] in the range `running`, which it updates afterwards;
/// `how.range` is not looked at.
void read_out(const float* x, std::int64_t rows, std::int64_t cols, const ReadOut& how, void* y,
              ElementType y_type, const RunningRange& running, Stream stream);
}  // namespace cuda
#endif

}  // namespace kernels
