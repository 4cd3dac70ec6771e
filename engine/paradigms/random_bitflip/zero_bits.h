// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/bit_flip/bit_flip.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstdint>

#ifdef PARADIGM_WITH_CUDA
namespace engine::random_bitflip {

/// Room for the zero bits of an operand like `tensor`, int32, `layers` times.
inline at::Tensor empty_zero_bits(const at::Tensor& tensor, const kernels::BitFlip& how,
                                  std::int64_t layers = 1) {
  return at::empty({layers, kernels::cuda::zero_words(tensor.numel(), how.first_element)},
                   tensor.options().dtype(at::kInt).requires_grad(false));
}

/// Null where there are none.
inline kernels::cuda::ZeroBits zero_bits_of(const at::Tensor& zeroed) {
  if (!zeroed.defined()) return nullptr;
  return reinterpret_cast<std::uint32_t*>(zeroed.data_ptr<std::int32_t>());
}

}  // namespace engine::random_bitflip
#endif
