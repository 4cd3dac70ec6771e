// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/word_split.h"

#include "engine/data/unicode_classes.h"
#include "engine/utf8.h"

namespace engine {

const std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

constexpr unsigned char kKinds = CharClass::letter | CharClass::number | CharClass::white_space;
constexpr unsigned char kOther = 0;

class Cursor {
 public:
  Cursor(std::string_view text, const unsigned char* classes) : text_(text), classes_(classes) {}

  bool ended(std::size_t at) const { return at >= text_.size(); }
  char byte(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  /// letter, number, white_space or kOther. `at` must be inside.
  unsigned char kind(std::size_t at, std::size_t& length) const {
    const DecodedChar c = decode_utf8(text_, at);
    length = c.length;
    return classes_[c.code_point] & kKinds;
  }
  bool is(unsigned char wanted, std::size_t at) const {
    std::size_t length = 0;
    return !ended(at) && kind(at, length) == wanted;
  }
  std::size_t run_end(unsigned char wanted, std::size_t at) const {
    std::size_t length = 0;
    while (!ended(at) && kind(at, length) == wanted) at += length;
    return at;
  }
  std::size_t newline_run_end(std::size_t at) const {
    while (byte(at) == '\r' || byte(at) == '\n') ++at;
    return at;
  }
  /// \s+(?!\S)|\s+ at white space that ends at `end`: all but the last, unless it is alone or the
  /// text ends.
  std::size_t white_space_word(std::size_t end) const {
    if (ended(end)) return end;
    const std::size_t before_last = previous_char(text_, end);
    return before_last > 0 ? before_last : end;
  }

 private:
  std::string_view text_;
  const unsigned char* classes_;
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// After an apostrophe: s t re ve m ll d. Bytes of the whole contraction, 0 = none.
std::size_t contraction(char first, char second) {
  switch (first) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return second == 'e' ? 3 : 0;
    case 'l':
      return second == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

}  // namespace

std::size_t next_gpt2_word(std::string_view rest, const unsigned char* classes) {
  const Cursor cursor(rest, classes);
  if (rest[0] == '\'')
    if (const std::size_t length = contraction(cursor.byte(1), cursor.byte(2))) return length;
  std::size_t length = 0;
  std::size_t start = 0;
  unsigned char kind = cursor.kind(0, length);
  if (rest[0] == ' ' && !cursor.ended(1)) {
    const unsigned char next = cursor.kind(1, length);
    if (next != CharClass::white_space) {
      kind = next;
      start = 1;
    }
  }
  const std::size_t end = cursor.run_end(kind, start);
  return kind == CharClass::white_space ? cursor.white_space_word(end) : end;
}

std::size_t next_llama3_word(std::string_view rest, const unsigned char* classes) {
  const Cursor cursor(rest, classes);
  if (rest[0] == '\'') {
    // U+017F is the one letter outside ASCII that folds to a letter of a contraction.
    if (rest.substr(1).starts_with("\u017F")) return 3;
    if (const std::size_t found = contraction(lower(cursor.byte(1)), lower(cursor.byte(2))))
      return found;
  }
  std::size_t length = 0;
  const unsigned char kind = cursor.kind(0, length);
  if (kind == CharClass::letter) return cursor.run_end(CharClass::letter, 0);
  if (kind == CharClass::number) {
    std::size_t end = 0;
    for (int digits = 0; digits < 3 && cursor.is(CharClass::number, end); ++digits) {
      cursor.kind(end, length);
      end += length;
    }
    return end;
  }
  const bool newline = rest[0] == '\r' || rest[0] == '\n';
  if (!newline && cursor.is(CharClass::letter, length))
    return cursor.run_end(CharClass::letter, length);
  const std::size_t symbols = kind == kOther ? 0 : rest[0] == ' ' ? 1 : rest.size();
  if (cursor.is(kOther, symbols)) return cursor.newline_run_end(cursor.run_end(kOther, symbols));
  const std::size_t end = cursor.run_end(CharClass::white_space, 0);
  const std::size_t last_newline = rest.substr(0, end).find_last_of("\r\n");
  if (last_newline != std::string_view::npos) return last_newline + 1;
  return cursor.white_space_word(end);
}

}  // namespace engine
