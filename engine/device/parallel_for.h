// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>

namespace engine {

/// Calls body(begin, end) over pieces of [0, count), each of at least `grain` but for the last, on
/// LibTorch's own worker threads, and returns when all are done; an exception of a piece is
/// rethrown here. LibTorch operators called in a piece run on one thread. Inside another parallel
/// region, or with one thread, it is one plain call.
///
/// Not at::parallel_for: that is a template which threads only code compiled with OpenMP, and this
/// project compiles none, so that no second OpenMP runtime can come in. A second pool of our own
/// would compete with the spinning workers of the first.
void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& body);

}  // namespace engine
