// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace engine {

/// Into how many products of fewer rows cuBLAS is to be handed gᵀ·x [out, in], on a device of so
/// many multiprocessors: 2 or 1, by the shape alone, so that a run that is resumed computes the
/// same.
int parts_of_weight_gradient(std::int64_t rows, std::int64_t out, std::int64_t in,
                             std::int64_t multiprocessors);

/// gᵀ·x in fp32, of g [rows, out] and x [rows, in] in 16 bits on one GPU.
at::Tensor weight_gradient(const at::Tensor& g, const at::Tensor& x);

}  // namespace engine
