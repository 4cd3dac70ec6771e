// SPDX-License-Identifier: GPL-3.0-or-later
// Optical attention in sweeps over the key tiles: raw scores live in registers, what is stored of
// them is a code of one byte (two above 256 levels) for each that the mask keeps, in chunks of
// queries whose memory grows linearly with the sequence. The sweep that writes the codes is the
// only one that draws noise. Its oracle is the tile-wise computation on kernels::reference.
//   S = Q(q^ k^T; qk_range, noisy)    P = softmax(scale * S + causal mask)    C = Q(P; (0, 1)) v^
// q^, k^, v^ are quantised operands as fp16, made by cuda::quantise with each other's ranges as
// partners (v^ with (0, 1)), so that q^ k^T is the raw score itself. Products sum in fp32.
#pragma once

#include "kernels/level_quantiser/level_quantiser.h"

#include <cstdint>

namespace kernels {

/// Queries [batch, heads, queries, head_dim] against keys and values [batch, kv_heads, keys,
/// head_dim]: query i sees key j <= i + keys - queries, query head h uses kv head h * kv_heads /
/// heads.
struct AttentionExtent {
  std::int64_t batch = 0, heads = 0, kv_heads = 0, queries = 0, keys = 0, head_dim = 0;
};

/// 16-bit elements, strides in elements; the last dimension is dense and rows are 16-byte aligned.
struct HeadRows {
  const void* data = nullptr;
  std::int64_t batch_stride = 0, head_stride = 0, row_stride = 0;
};

/// bf16 rows that are written, laid out as HeadRows; 4-byte aligned.
struct ResultRows {
  void* data = nullptr;
  std::int64_t batch_stride = 0, head_stride = 0, row_stride = 0;
};

struct OpticalAttention {
  AttentionExtent extent;
  float scale = 1;  ///< of the scores, after their read-out
  std::int32_t levels = 256;
  bool noisy = true;
  bool clip = false;     ///< gradient of scores outside qk_range is 0
  NoiseStream qk_noise;  ///< from the batch's first score on; first_element a multiple of 4
  const float* v_range = nullptr;  ///< {lo, hi} in device memory, as all ranges
  const float* qk_range = nullptr;
};

/// What the forward leaves for the gradient, dense.
struct OpticalAttentionRows {
  float* exponent = nullptr;  ///< [batch, heads, queries]: P = 2^(code of S * step + exponent)
  /// bf16 [batch, heads, queries, head_dim]: P v, both unquantised.
  void* exact_context = nullptr;
};

/// Memory of the codes of the scores, aligned to 16 bytes. Only the first queries' may be kept from
/// the forward for the gradient; what the rest takes is scratch in both.
struct AttentionCodes {
  void* kept = nullptr;
  std::int64_t kept_queries = 0;  ///< all, or a multiple of 64
  void* rest = nullptr;
};

#ifdef PARADIGM_WITH_CUDA
/// All functions are asynchronous on `stream` and need compute capability 8.0.
namespace cuda {

/// head_dim 32 or 64, levels <= 2048 (a code of P must be exact in fp16), keys a multiple of 4
/// (four keys share a block of noise).
bool optical_attention_fits(const AttentionExtent& extent, std::int32_t levels);

/// Folds the range of q^ k^T into `observed`: what the mask keeps, or all with `full`.
void optical_attention_score_range(const OpticalAttention& how, const HeadRows& q,
                                   const HeadRows& k, bool full, ObservedRange observed,
                                   Stream stream);

/// Whether all queries' codes are in memory at once; up to 2048 keys they are.
bool optical_attention_is_one_chunk(const AttentionExtent& extent);
struct CodeBytes {
  std::int64_t kept = 0, rest = 0;
};
/// Memory that the codes take, those of the first `kept_queries` and those of the others, of the
/// greatest chunk.
CodeBytes optical_attention_code_bytes(const AttentionExtent& extent, std::int32_t levels,
                                       std::int64_t kept_queries);
/// As many of the first queries as have codes that take no more memory than that; none where there
/// are several chunks.
std::int64_t optical_attention_kept_queries(const AttentionExtent& extent, std::int32_t levels,
                                            std::int64_t most_bytes);

/// Where among them the code of a score lies, in codes: of a visible one, where
/// all are kept. `head` counts all heads of the batch.
std::int64_t optical_attention_code_index(const AttentionExtent& extent, std::int64_t head,
                                          std::int64_t query, std::int64_t key);

/// C, fp32 [batch, heads, queries, head_dim], and `rows`. q, k, v quantised fp16; `exact_v` bf16.
/// Folds the range of the visible raw scores into `observed` unless it is null.
void optical_attention_forward(const OpticalAttention& how, const HeadRows& q, const HeadRows& k,
                               const HeadRows& v, const HeadRows& exact_v,
                               const AttentionCodes& codes, float* context,
                               const OpticalAttentionRows& rows, ObservedRange observed,
                               Stream stream);

/// How the context is read out by the sweep that sums it: bit for bit as read_out() does.
struct ContextReadOut {
  ReadOut how;  ///< its range and bias are not looked at; the noise begins with a block
  RunningRange running;
  ResultRows y;  ///< bf16 [batch, heads, queries, head_dim]
};
/// `rows`, and y in place of C. The scores are read out in the range `running`, which is then
/// updated; `how.qk_range` is not looked at. Only of one chunk.
void optical_attention_forward(const OpticalAttention& how, const HeadRows& q, const HeadRows& k,
                               const HeadRows& v, const HeadRows& exact_v,
                               const AttentionCodes& codes, const ContextReadOut& read_out,
                               const OpticalAttentionRows& rows, const RunningRange& running,
                               Stream stream);

/// Scratch of the gradient.
std::int64_t optical_attention_gradient_bytes(const AttentionExtent& extent);

/// Straight-through gradients with the unquantised bf16 operands and P of the codes: dV = P^T g,
/// dP = g v^T, dS = scale * P (dP - sum(dP * P)), dq = dS k, dk = dS^T q. The quantised operands
/// are read with `clip`, and where codes were not kept: those are made again. `scratch` is aligned
/// to 16 bytes. Sums always run in the same order.
void optical_attention_gradient(const OpticalAttention& how, const AttentionCodes& codes,
                                const HeadRows& quantised_q, const HeadRows& quantised_k,
                                const HeadRows& q, const HeadRows& k, const HeadRows& v,
                                const HeadRows& g, const OpticalAttentionRows& rows, void* scratch,
                                const ResultRows& dq, const ResultRows& dk, const ResultRows& dv,
                                Stream stream);

}  // namespace cuda
#endif

}  // namespace kernels
