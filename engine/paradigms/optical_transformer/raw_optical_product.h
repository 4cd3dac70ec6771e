// SPDX-License-Identifier: GPL-3.0-or-later
// The product of optical Linears over one input before it is read out, on CUDA.
#pragma once

#include "engine/model/raw_product.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace engine::optical_transformer {

/// How one layer's columns of the product are read out.
struct RawReadOut {
  std::int64_t cols = 0;
  kernels::ReadOut how;
  RangeUpdate range;       ///< of the read-out
  at::Tensor input_range;  ///< {lo, hi} in which the operands were encoded
  at::Tensor weight_range;
  at::Tensor exact{};   ///< what the first rows should be, fp32 [some, cols]; or nothing
  at::Tensor errors{};  ///< with it gets kernels::cuda::read_out_errors()
};

/// Whether there are kernels that read these out side by side.
bool reads_out_raw(const std::vector<RawReadOut>& layers);

/// x [rows, K] of one input and weights [outputs, K] of layers, as codes.
c10::intrusive_ptr<RawProduct> raw_optical_product(const at::Tensor& x, const at::Tensor& weights,
                                                   std::vector<RawReadOut> layers);

}  // namespace engine::optical_transformer
