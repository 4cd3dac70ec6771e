// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/noise/noise.h"

namespace kernels::reference {

void uniform(const NoiseStream& stream, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t element = stream.first_element + static_cast<std::uint64_t>(i);
    const PhiloxBlock block = noise_block(stream.key, element / 4, stream.time);
    out[i] = uniform_from_word(block.word[element % 4]);
  }
}

}  // namespace kernels::reference
