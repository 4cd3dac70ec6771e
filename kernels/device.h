// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace kernels {

/// A CUDA stream without CUDA's headers: the cudaStream_t, nullptr = the default stream.
struct Stream {
  void* handle = nullptr;
};

/// The element type of a buffer that a kernel reads or writes. Arithmetic is fp32 whatever it is.
enum class ElementType { fp32, bf16, fp16 };

}  // namespace kernels
