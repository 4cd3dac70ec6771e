// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/device.h"

#include <cstdint>

namespace kernels::cpu {

/// One row of logits on one thread: returns log Σ e^logits - logits[label]. With `scale` != 0 the
/// row becomes its gradient scale · (softmax - one_hot(label)); with 0 its content is undefined
/// afterwards. Stays finite for logits of any size.
float cross_entropy_row(float* logits, std::int64_t count, std::int64_t label, float scale);

/// Index of the greatest logit, the first of equal ones.
std::int64_t greatest_of_row(const float* logits, std::int64_t count);

}  // namespace kernels::cpu

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

/// cross_entropy_row for dense rows of fp32, bf16 or fp16 in device memory, arithmetic in fp32:
/// losses [rows], and `correct` [rows] (1 where the label is the index of the greatest logit, the
/// first of equal ones) unless it is null. Labels are in [0, count). Asynchronous on `stream`.
void cross_entropy_rows(void* logits, ElementType type, std::int64_t rows, std::int64_t count,
                        const std::int64_t* labels, float scale, float* losses,
                        std::int64_t* correct, Stream stream);

}  // namespace kernels::cuda
#endif
