// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/byte_alphabet.h"

#include "engine/utf8.h"

namespace engine {
namespace {

bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

}  // namespace

ByteAlphabet::ByteAlphabet() {
  bytes_.fill(-1);
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    chars_[byte] = is_printable(byte) ? byte : next++;
    bytes_[chars_[byte]] = static_cast<std::int16_t>(byte);
  }
}

const ByteAlphabet& ByteAlphabet::get() {
  static const ByteAlphabet alphabet;
  return alphabet;
}

std::string ByteAlphabet::spell(std::string_view bytes) const {
  std::string word;
  word.reserve(bytes.size() + bytes.size() / 4);
  for (const char byte : bytes) append_utf8(word, chars_[static_cast<unsigned char>(byte)]);
  return word;
}

std::optional<std::string> ByteAlphabet::read(std::string_view word) const {
  std::string bytes;
  bytes.reserve(word.size());
  for (std::size_t i = 0; i < word.size();) {
    const DecodedChar c = decode_utf8(word, i);
    if (c.code_point >= bytes_.size() || bytes_[c.code_point] < 0) return std::nullopt;
    bytes += static_cast<char>(bytes_[c.code_point]);
    i += c.length;
  }
  return bytes;
}

}  // namespace engine
