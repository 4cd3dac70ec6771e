// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of numbers for tests of kernels on CUDA, in every element type.
#pragma once

#ifdef PARADIGM_WITH_CUDA

#include "kernels/device.h"
#include "tests/support/cuda_buffer.h"

#include <cuda_bf16.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace tests {

/// Normal numbers that bf16 holds exactly.
inline std::vector<float> bf16_numbers(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<std::size_t>(count));
  for (float& value : x) value = __bfloat162float(__float2bfloat16(normal(random)));
  return x;
}

/// A device buffer of fp32 or bf16 numbers.
class CudaRows {
 public:
  CudaRows(const std::vector<float>& x, kernels::ElementType type)
      : type_(type),
        wide_(type == kernels::ElementType::fp32 ? x : std::vector<float>(1)),
        narrow_(type == kernels::ElementType::fp32 ? std::vector<__nv_bfloat16>(1) : narrowed(x)) {}
  CudaRows(std::int64_t count, kernels::ElementType type)
      : CudaRows(std::vector<float>(static_cast<std::size_t>(count), NAN), type) {}

  void* data() const {
    return type_ == kernels::ElementType::fp32 ? static_cast<void*>(wide_.data()) : narrow_.data();
  }
  std::vector<float> host() const {
    if (type_ == kernels::ElementType::fp32) return wide_.host();
    std::vector<float> x;
    for (const __nv_bfloat16 value : narrow_.host()) x.push_back(__bfloat162float(value));
    return x;
  }

 private:
  static std::vector<__nv_bfloat16> narrowed(const std::vector<float>& x) {
    std::vector<__nv_bfloat16> result;
    for (const float value : x) result.push_back(__float2bfloat16(value));
    return result;
  }

  kernels::ElementType type_;
  CudaBuffer<float> wide_;
  CudaBuffer<__nv_bfloat16> narrow_;
};

/// The greatest |a - b| / (1 + |b|); NaN when either is.
inline double greatest_error(const std::vector<float>& a, const std::vector<double>& b) {
  double greatest = a.size() == b.size() ? 0 : NAN;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double error = std::abs(a[i] - b[i]) / (1 + std::abs(b[i]));
    if (!(error <= greatest)) greatest = error;
  }
  return greatest;
}

/// What one rounding to the type, and a few in fp32, may cost.
inline double tolerance(kernels::ElementType type) {
  return type == kernels::ElementType::fp32 ? 2e-6 : 0x1p-8;
}

inline constexpr kernels::ElementType kRowTypes[] = {kernels::ElementType::fp32,
                                                     kernels::ElementType::bf16};

}  // namespace tests

#endif
