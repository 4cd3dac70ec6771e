// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/isa_dispatch.h"
#include "kernels/normal_noise/normal.h"
#include "kernels/normal_noise/normal_noise.h"

#include <algorithm>

namespace kernels::cpu {
namespace {

PARADIGM_ALWAYS_INLINE void box_muller_body(const float* __restrict uniforms, std::int64_t count,
                                            float* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = normal_from_uniform(uniforms[2 * i], uniforms[2 * i + 1]);
}

PARADIGM_DISPATCH(void, box_muller, (const float* uniforms, std::int64_t count, float* out),
                  (uniforms, count, out))

}  // namespace

void normal(const NoiseStream& stream, std::int64_t count, float* out) {
  constexpr std::int64_t kPiece = 1024;
  float uniforms[2 * kPiece];
  for (std::int64_t done = 0; done < count; done += kPiece) {
    const std::int64_t piece = std::min(kPiece, count - done);
    NoiseStream words = stream.at(done);
    words.first_element *= 2;
    uniform(words, 2 * piece, uniforms);
    box_muller(uniforms, piece, out + done);
  }
}

}  // namespace kernels::cpu
