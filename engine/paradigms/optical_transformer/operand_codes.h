// SPDX-License-Identifier: GPL-3.0-or-later
// Operands of optical Linears as kernels/optical_linear encodes them, on CUDA.
#pragma once

#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace engine::optical_transformer {

/// Whether a weight [out, in] and inputs of as many features can be operands of such a product.
bool has_operand_codes(const at::Tensor& weight);

struct InputEncoding {
  at::Tensor x;  ///< contiguous
  RangeUpdate range;
  bool is_observed = false;              ///< the extent of x is in the range's scratch already
  std::vector<RangeUpdate> followers{};  ///< see kernels::cuda::InputToEncode
  std::int32_t levels = 256;
};
/// Halves, of the shape of x.
at::Tensor input_codes(const InputEncoding& input);

struct WeightEncoding {
  at::Tensor weight;
  RangeUpdate range;
  float lut_min = 0;
  std::int32_t levels = 256;
  at::Tensor into;     ///< halves, contiguous
  at::Tensor forgets;  ///< see kernels::cuda::WeightToEncode
};
void encode_weights(const std::vector<WeightEncoding>& weights);

}  // namespace engine::optical_transformer
