// SPDX-License-Identifier: GPL-3.0-or-later
// The read-outs of optical Linears over one input, side by side in one product, on the way into
// what comes next. The product is that of operand codes (operand_codes.h), in halves or fp32; its
// values are read out as kernels::read_out does, element by element with the same noise. Only on
// CUDA, where a pass over memory costs as much as a product.
#pragma once

#include "kernels/level_quantiser/level_quantiser.h"
#include "kernels/qkv_heads/qkv_heads.h"

#include <cstdint>
#include <span>

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

/// One layer's columns of the product, as a tensor [rows, cols] of its own.
struct RawColumns {
  std::int64_t cols = 0;
  ReadOut how;                         ///< but for range and bias
  RunningRange running;                ///< of the read-out: used first, updated afterwards
  const float* input_range = nullptr;  ///< in which the operands were encoded
  const float* weight_range = nullptr;
};
inline constexpr std::size_t kMostLayers = 3;

/// Whether the columns are whole eights that begin with a block of noise, and the noise is not
/// frozen.
bool can_read_out_raw(std::span<const RawColumns> columns);

/// To y [rows, all columns] in bf16 from `raw` in fp16 or fp32. Asynchronous, like all here.
void read_out_raw(const void* raw, ElementType raw_type, std::int64_t rows,
                  std::span<const RawColumns> columns, void* y, Stream stream);

/// What the outputs of a layer's first rows should be: fp32 [rows, cols] in device memory, aligned
/// to 16 bytes.
struct ExactRows {
  const float* values = nullptr;
  std::int64_t rows = 0;
};
inline constexpr std::int64_t kErrorBlocks = 132 * 4;
inline constexpr std::int64_t kErrorSums = 3 * kErrorBlocks;
/// Before the columns of one layer are read out, `raw` the first of them in rows that are `step`
/// values apart: errors[0] = the share of all values that lie outside the range; errors[1] =
/// 10·log10(Σ exact² / Σ (read-out - exact)²) of the read-outs in fp32. Reproducible. `sums` is
/// memory for kErrorSums, not initialised; the running range's scratch is used and left as it was.
void read_out_errors(const void* raw, ElementType raw_type, std::int64_t rows, std::int64_t step,
                     const RawColumns& columns, const ExactRows& exact, double* sums, float* errors,
                     Stream stream);

/// y [rows, cols] = silu(gate) · up in bf16 of the two layers' read-outs, each rounded to bf16
/// first, from `raw` in fp16: what read_out_raw and swiglu_rows make, bit for bit. Instead of the
/// read-outs it keeps their `codes` [rows, 2 · cols], 0 ... levels - 1 <= 255, and in `code_ranges`
/// [2][2] the ranges that they are levels of; of a layer that read a NaN out, NaN. Folds the range
/// of y into `extent` unless that is null.
void swiglu_read_out(const void* raw, std::int64_t rows, const RawColumns& gate,
                     const RawColumns& up, void* y, std::uint8_t* codes, float* code_ranges,
                     ObservedRange extent, Stream stream);

/// swiglu_rows_gradient() of the read-outs that the codes stand for.
void swiglu_codes_gradient(const std::uint8_t* codes, const float* code_ranges, std::int32_t levels,
                           const void* y_gradient, std::int64_t rows, std::int64_t cols,
                           void* gradient, Stream stream);

/// Whether heads_read_out takes the columns of queries, keys and values.
bool can_read_out_heads(std::span<const RawColumns> qkv, const QkvShape& shape);
/// From `raw` in fp16 to dense q, k, v in bf16 as split_heads makes them of the read-outs, bit for
/// bit.
void heads_read_out(const void* raw, std::span<const RawColumns> qkv, const QkvShape& shape,
                    const float* cos, const float* sin, void* q, void* k, void* v, Stream stream);

/// Whether norm_read_out takes the columns of a layer.
bool can_read_out_norm(const RawColumns& columns);
/// From `raw` [rows, cols] in fp16 to sum = x + the read-out, each rounded to bf16, and y, the norm
/// of the sum: what read_out_raw and rms_norm make, bit for bit. x, sum, y in bf16, aligned to
/// eight bytes.
void norm_read_out(const void* raw, const void* x, const float* weight, const RawColumns& columns,
                   std::int64_t rows, float epsilon, void* sum, void* y, float* scale,
                   ObservedRange extent, Stream stream);

}  // namespace kernels::cuda
#endif
