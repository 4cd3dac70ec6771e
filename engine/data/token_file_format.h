// SPDX-License-Identifier: GPL-3.0-or-later
// Layout of a file of the token cache: this header, then `blocks` x `block_size` ids of `id_bytes`
// each, little-endian.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace engine {

static_assert(std::endian::native == std::endian::little, "token files are read in place");

struct TokenFileHeader {
  static constexpr std::array<char, 8> expected_magic{'P', 'W', 'T', 'O', 'K', 'E', 'N', 'S'};
  static constexpr std::uint32_t expected_version = 1;

  std::array<char, 8> magic = expected_magic;
  std::uint32_t version = expected_version;
  std::uint32_t id_bytes = 0;  ///< 2 (vocabulary up to 65,536 ids) or 4
  std::uint64_t block_size = 0;
  std::uint64_t blocks = 0;
  std::uint64_t payload_hash = 0;  ///< XXH3, 64 bit
  std::array<char, 32> digest{};   ///< lower-case hex
  std::array<char, 48> reserved{};
  std::uint64_t header_hash = 0;  ///< XXH3, 64 bit, of all bytes before it
};
static_assert(sizeof(TokenFileHeader) == 128 && std::is_trivially_copyable_v<TokenFileHeader>);
static_assert(offsetof(TokenFileHeader, header_hash) == 120);

/// Width of one id in the file.
constexpr std::uint32_t token_id_bytes(std::int64_t vocab_size) {
  return vocab_size <= 65536 ? 2 : 4;
}

}  // namespace engine
