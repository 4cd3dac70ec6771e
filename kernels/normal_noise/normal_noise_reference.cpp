// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/normal_noise/normal.h"
#include "kernels/normal_noise/normal_noise.h"

namespace kernels::reference {

void normal(const NoiseStream& stream, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t element = stream.first_element + static_cast<std::uint64_t>(i);
    const PhiloxBlock block = noise_block(stream.key, element / 2, stream.time);
    const std::uint32_t* words = block.word + 2 * (element % 2);
    out[i] = normal_from_uniform(uniform_from_word(words[0]), uniform_from_word(words[1]));
  }
}

}  // namespace kernels::reference
