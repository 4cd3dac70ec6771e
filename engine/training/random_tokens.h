// SPDX-License-Identifier: GPL-3.0-or-later
// What timing and measuring use in place of a text.
#pragma once

#include "engine/model/llama.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace engine {

/// [rows, length] int64 ids below `vocab_size` on the CPU, a pure function of the seed.
at::Tensor random_tokens(std::int64_t rows, std::int64_t length, std::int64_t vocab_size,
                         std::uint64_t seed);

/// One forward pass in which simulated layers observe their ranges, if any has not yet: modes that
/// fix them need it before the first step.
void observe_ranges(Llama& model, const at::Tensor& ids, c10::ScalarType compute_dtype);

}  // namespace engine
