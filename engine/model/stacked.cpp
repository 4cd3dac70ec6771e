// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/stacked.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cstddef>
#include <cstdint>

namespace engine {

Stacked::Stacked(std::span<const at::Tensor> tensors, c10::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  std::vector<std::int64_t> shape = tensors[0].sizes().vec();
  shape[0] = 0;
  for (const at::Tensor& tensor : tensors) shape[0] += tensor.size(0);
  all = at::empty(shape, tensors[0].options().dtype(dtype).requires_grad(false));
  std::int64_t row = 0;
  for (const at::Tensor& tensor : tensors) {
    parts.push_back(all.narrow(0, row, tensor.size(0)));
    row += tensor.size(0);
  }
}

at::Tensor stacked_copy(std::span<const at::Tensor> tensors, c10::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const Stacked copy(tensors, dtype);
  for (std::size_t i = 0; i < tensors.size(); ++i) copy.parts[i].copy_(tensors[i]);
  return copy.all;
}

}  // namespace engine
