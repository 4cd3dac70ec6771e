// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

namespace kernels {

/// What a stream of random numbers is for. Values are part of the semantics: they enter the key.
namespace noise_role {
inline constexpr std::uint64_t optical_linear_read_out = 1;
inline constexpr std::uint64_t optical_qk = 2;
inline constexpr std::uint64_t optical_av = 3;
inline constexpr std::uint64_t optical_dropout =
    4;  ///< on the probabilities of optical attention, training only
/// 64 + i: the i-th noise tensor that a TorchScript module asks for, i < 16.
inline constexpr std::uint64_t scripted = 64;
inline constexpr std::uint64_t bit_flip_x_exponent = 16;
inline constexpr std::uint64_t bit_flip_x_fraction = 17;
inline constexpr std::uint64_t bit_flip_w_exponent = 18;
inline constexpr std::uint64_t bit_flip_w_fraction = 19;
inline constexpr std::uint64_t evaluation = 0x100;  ///< added to the role while evaluating
}  // namespace noise_role

/// FNV-1a, 64 bit, over the UTF-8 bytes of a Hugging Face layer name.
constexpr std::uint64_t layer_id(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : name) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ull;
  }
  return hash;
}

/// SplitMix64.
constexpr std::uint64_t mix(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

/// Philox key of one stream: independent for every layer, rule seed and role.
constexpr std::uint64_t noise_key(std::uint64_t run_seed, std::uint64_t layer,
                                  std::uint64_t user_seed, std::uint64_t role) {
  return mix(mix(mix(mix(run_seed) ^ layer) ^ user_seed) ^ role);
}

}  // namespace kernels
