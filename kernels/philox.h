// SPDX-License-Identifier: GPL-3.0-or-later
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) for host
// and device: one source, so CPU and GPU draw the same bits. Counter-based: no generator state
// exists anywhere.
#pragma once

#include <array>
#include <cstdint>

#ifdef __CUDACC__
#define PARADIGM_HOST_DEVICE __host__ __device__
#else
#define PARADIGM_HOST_DEVICE
#endif

namespace kernels {

struct PhiloxBlock {
  std::uint32_t word[4];
};

/// The keys of the ten rounds. A kernel that gets them as a parameter spares the additions.
struct PhiloxRoundKeys {
  std::uint32_t low[10], high[10];

  PARADIGM_HOST_DEVICE explicit PhiloxRoundKeys(std::uint64_t key) {
    for (int round = 0; round < 10; ++round) {
      low[round] = static_cast<std::uint32_t>(key) + round * 0x9E3779B9u;
      high[round] = static_cast<std::uint32_t>(key >> 32) + round * 0xBB67AE85u;
    }
  }
};

PARADIGM_HOST_DEVICE inline void philox_round(const PhiloxRoundKeys& key, int round,
                                              std::uint32_t (&c)[4]) {
  const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * c[0];
  const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * c[2];
  c[0] = static_cast<std::uint32_t>(product1 >> 32) ^ c[1] ^ key.low[round];
  c[2] = static_cast<std::uint32_t>(product0 >> 32) ^ c[3] ^ key.high[round];
  c[1] = static_cast<std::uint32_t>(product1);
  c[3] = static_cast<std::uint32_t>(product0);
}

/// The four output words for a key and a counter.
PARADIGM_HOST_DEVICE inline PhiloxBlock philox(const PhiloxRoundKeys& key, std::uint32_t c0,
                                               std::uint32_t c1, std::uint32_t c2,
                                               std::uint32_t c3) {
  std::uint32_t c[4] = {c0, c1, c2, c3};
  for (int round = 0; round < 10; ++round) philox_round(key, round, c);
  return {{c[0], c[1], c[2], c[3]}};
}

/// The same for `key` as one number, low word first.
PARADIGM_HOST_DEVICE inline PhiloxBlock philox(std::uint64_t key, std::uint32_t c0,
                                               std::uint32_t c1, std::uint32_t c2,
                                               std::uint32_t c3) {
  return philox(PhiloxRoundKeys(key), c0, c1, c2, c3);
}

/// Where in a training the draw happens. Evaluation: step of the weights, micro_step 0.
struct NoiseTime {
  std::uint32_t step = 0;
  std::uint32_t micro_step = 0;
};

/// The block that serves elements 4·block … 4·block + 3 of one tensor.
PARADIGM_HOST_DEVICE inline PhiloxBlock noise_block(std::uint64_t key, std::uint64_t block,
                                                    NoiseTime time) {
  return philox(key, static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                time.step, time.micro_step);
}

/// Several blocks at once, their rounds side by side: one block's rounds wait for each other.
template <int count>
PARADIGM_HOST_DEVICE inline void noise_blocks(const PhiloxRoundKeys& key,
                                              const std::uint64_t (&block)[count], NoiseTime time,
                                              PhiloxBlock (&out)[count]) {
  std::uint32_t c[count][4];
  for (int i = 0; i < count; ++i) {
    c[i][0] = static_cast<std::uint32_t>(block[i]);
    c[i][1] = static_cast<std::uint32_t>(block[i] >> 32);
    c[i][2] = time.step;
    c[i][3] = time.micro_step;
  }
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < count; ++i) philox_round(key, round, c[i]);
  }
  for (int i = 0; i < count; ++i) {
    for (int word = 0; word < 4; ++word) out[i].word[word] = c[i][word];
  }
}

/// [0, 1): the word as a signed integer, folded at zero, scaled by 2^-31 (rounded
/// to 4.6566127342e-10).
PARADIGM_HOST_DEVICE inline float uniform_from_word(std::uint32_t word) {
  std::int32_t s = static_cast<std::int32_t>(word);
  if (s < 0) s = -s - 1;
  return static_cast<float>(s) * 4.6566127342e-10f;
}

}  // namespace kernels
