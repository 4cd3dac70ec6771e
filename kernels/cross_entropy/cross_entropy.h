// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace kernels::cpu {

/// One row of logits on one thread: returns log Σ e^logits - logits[label]. With `scale` != 0 the
/// row becomes its gradient scale · (softmax - one_hot(label)); with 0 its content is undefined
/// afterwards. Stays finite for logits of any size.
float cross_entropy_row(float* logits, std::int64_t count, std::int64_t label, float scale);

/// Index of the greatest logit, the first of equal ones.
std::int64_t greatest_of_row(const float* logits, std::int64_t count);

}  // namespace kernels::cpu
