// SPDX-License-Identifier: GPL-3.0-or-later
// Philox with one block in each 64-bit lane: the 32x32->64 multiply is the processor's own, and
// whatever stands in the upper half of a lane is ignored by the next multiply.
#include "kernels/isa_dispatch.h"
#include "kernels/noise/noise.h"

#include <algorithm>

#ifdef PARADIGM_X86
#include <immintrin.h>
#endif

namespace kernels::cpu {
namespace {

void whole_blocks_generic(std::uint64_t key, NoiseTime time, std::uint64_t block,
                          std::int64_t blocks, float* out) {
  for (std::int64_t b = 0; b < blocks; ++b) {
    const PhiloxBlock words = noise_block(key, block + static_cast<std::uint64_t>(b), time);
    for (int w = 0; w < 4; ++w) out[4 * b + w] = uniform_from_word(words.word[w]);
  }
}

#ifdef PARADIGM_X86

PARADIGM_TARGET_AVX2 __m256 uniform8(__m256i words) {
  const __m256i folded = _mm256_xor_si256(words, _mm256_srai_epi32(words, 31));
  return _mm256_mul_ps(_mm256_cvtepi32_ps(folded), _mm256_set1_ps(4.6566127342e-10f));
}

PARADIGM_TARGET_AVX2 std::int64_t whole_blocks_avx2(std::uint64_t key, NoiseTime time,
                                                    std::uint64_t block, std::int64_t blocks,
                                                    float* out) {
  const __m256i multiplier0 = _mm256_set1_epi64x(0xD2511F53);
  const __m256i multiplier1 = _mm256_set1_epi64x(0xCD9E8D57);
  const __m256i low_half = _mm256_set1_epi64x(0xFFFFFFFF);
  std::int64_t done = 0;
  for (; done + 4 <= blocks; done += 4) {
    const __m256i counter =
        _mm256_add_epi64(_mm256_set1_epi64x(static_cast<std::int64_t>(block + done)),
                         _mm256_setr_epi64x(0, 1, 2, 3));
    __m256i c0 = counter;
    __m256i c1 = _mm256_srli_epi64(counter, 32);
    __m256i c2 = _mm256_set1_epi64x(time.step);
    __m256i c3 = _mm256_set1_epi64x(time.micro_step);
    std::uint32_t k0 = static_cast<std::uint32_t>(key);
    std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const __m256i product0 = _mm256_mul_epu32(multiplier0, c0);
      const __m256i product1 = _mm256_mul_epu32(multiplier1, c2);
      c0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(product1, 32), c1),
                            _mm256_set1_epi64x(k0));
      c2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(product0, 32), c3),
                            _mm256_set1_epi64x(k1));
      c1 = product1;
      c3 = product0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    const __m256i words01 =
        _mm256_or_si256(_mm256_and_si256(c0, low_half), _mm256_slli_epi64(c1, 32));
    const __m256i words23 =
        _mm256_or_si256(_mm256_and_si256(c2, low_half), _mm256_slli_epi64(c3, 32));
    const __m256i blocks02 = _mm256_unpacklo_epi64(words01, words23);
    const __m256i blocks13 = _mm256_unpackhi_epi64(words01, words23);
    _mm256_storeu_ps(out + 4 * done, uniform8(_mm256_permute2x128_si256(blocks02, blocks13, 0x20)));
    _mm256_storeu_ps(out + 4 * done + 8,
                     uniform8(_mm256_permute2x128_si256(blocks02, blocks13, 0x31)));
  }
  return done;
}

// g++ 12 warns about the deliberately undefined operands inside its own AVX-512 header.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

PARADIGM_TARGET_AVX512 __m512 uniform16(__m512i words) {
  const __m512i folded = _mm512_xor_si512(words, _mm512_srai_epi32(words, 31));
  return _mm512_mul_ps(_mm512_cvtepi32_ps(folded), _mm512_set1_ps(4.6566127342e-10f));
}

PARADIGM_TARGET_AVX512 std::int64_t whole_blocks_avx512(std::uint64_t key, NoiseTime time,
                                                        std::uint64_t block, std::int64_t blocks,
                                                        float* out) {
  const __m512i multiplier0 = _mm512_set1_epi64(0xD2511F53);
  const __m512i multiplier1 = _mm512_set1_epi64(0xCD9E8D57);
  const __m512i low_half = _mm512_set1_epi64(0xFFFFFFFF);
  const __m512i first_four = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i last_four = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  std::int64_t done = 0;
  for (; done + 8 <= blocks; done += 8) {
    const __m512i counter =
        _mm512_add_epi64(_mm512_set1_epi64(static_cast<std::int64_t>(block + done)),
                         _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    __m512i c0 = counter;
    __m512i c1 = _mm512_srli_epi64(counter, 32);
    __m512i c2 = _mm512_set1_epi64(time.step);
    __m512i c3 = _mm512_set1_epi64(time.micro_step);
    std::uint32_t k0 = static_cast<std::uint32_t>(key);
    std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const __m512i product0 = _mm512_mul_epu32(multiplier0, c0);
      const __m512i product1 = _mm512_mul_epu32(multiplier1, c2);
      c0 = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(product1, 32), c1),
                            _mm512_set1_epi64(k0));
      c2 = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(product0, 32), c3),
                            _mm512_set1_epi64(k1));
      c1 = product1;
      c3 = product0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    const __m512i words01 =
        _mm512_or_si512(_mm512_and_si512(c0, low_half), _mm512_slli_epi64(c1, 32));
    const __m512i words23 =
        _mm512_or_si512(_mm512_and_si512(c2, low_half), _mm512_slli_epi64(c3, 32));
    const __m512i even = _mm512_unpacklo_epi64(words01, words23);  // blocks 0 2 4 6
    const __m512i odd = _mm512_unpackhi_epi64(words01, words23);   // blocks 1 3 5 7
    _mm512_storeu_ps(out + 4 * done, uniform16(_mm512_permutex2var_epi64(even, first_four, odd)));
    _mm512_storeu_ps(out + 4 * done + 16,
                     uniform16(_mm512_permutex2var_epi64(even, last_four, odd)));
  }
  return done;
}

#pragma GCC diagnostic pop

#endif

void whole_blocks(std::uint64_t key, NoiseTime time, std::uint64_t block, std::int64_t blocks,
                  float* out) {
  std::int64_t done = 0;
#ifdef PARADIGM_X86
  if (processor_isa() == Isa::avx512) done = whole_blocks_avx512(key, time, block, blocks, out);
  if (processor_isa() != Isa::generic) {
    done += whole_blocks_avx2(key, time, block + static_cast<std::uint64_t>(done), blocks - done,
                              out + 4 * done);
  }
#endif
  whole_blocks_generic(key, time, block + static_cast<std::uint64_t>(done), blocks - done,
                       out + 4 * done);
}

}  // namespace

void uniform(const NoiseStream& stream, std::int64_t count, float* out) {
  const std::int64_t to_block = static_cast<std::int64_t>((4 - stream.first_element % 4) % 4);
  const std::int64_t head = std::min(count, to_block);
  reference::uniform(stream, head, out);
  const std::int64_t blocks = (count - head) / 4;
  whole_blocks(stream.key, stream.time, stream.at(head).first_element / 4, blocks, out + head);
  const std::int64_t done = head + 4 * blocks;
  reference::uniform(stream.at(done), count - done, out + done);
}

}  // namespace kernels::cpu
