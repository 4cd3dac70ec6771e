// SPDX-License-Identifier: GPL-3.0-or-later
// Included by a test whose models are so small that they only wait for their threads.
#pragma once

#include <ATen/Parallel.h>

namespace tests {

[[maybe_unused]] inline const bool kOneThread = (at::set_num_threads(1), true);

}  // namespace tests
