// SPDX-License-Identifier: GPL-3.0-or-later
// Standard normal noise, from the same streams as kernels/noise: element e takes the words 2e and
// 2e + 1 of its stream. The three versions agree bit for bit.
#pragma once

#include "kernels/noise/noise.h"

#include <cstdint>

namespace kernels {

namespace reference {
void normal(const NoiseStream& stream, std::int64_t count, float* out);
}  // namespace reference

namespace cpu {
void normal(const NoiseStream& stream, std::int64_t count, float* out);
}  // namespace cpu

#ifdef PARADIGM_WITH_CUDA
namespace cuda {
/// `out` is device memory; asynchronous on `stream`.
void normal(const NoiseStream& stream, std::int64_t count, float* out, Stream cuda_stream);
}  // namespace cuda
#endif

}  // namespace kernels
