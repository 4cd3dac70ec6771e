// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace engine {

/// The printable character that stands for each byte in a byte-level vocabulary: itself where it is
/// printable Latin-1, else the next free one from U+0100 on.
class ByteAlphabet {
 public:
  static const ByteAlphabet& get();

  /// UTF-8 of the characters that stand for `bytes`.
  std::string spell(std::string_view bytes) const;
  /// The bytes that `word` spells; absent when it has a character that stands for none. `word` must
  /// be valid UTF-8.
  std::optional<std::string> read(std::string_view word) const;

 private:
  ByteAlphabet();
  std::array<char32_t, 256> chars_{};
  std::array<std::int16_t, 0x200> bytes_{};  // -1 = stands for none
};

}  // namespace engine
