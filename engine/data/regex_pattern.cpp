// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/regex_pattern.h"

#include "engine/data/unicode_classes.h"
#include "engine/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

namespace engine {
namespace {

constexpr std::size_t kMaxPatternBytes = std::size_t{64} * 1024;

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string listed(const std::vector<CodePointRange>& ranges) {
  std::string text;
  for (const CodePointRange& range : ranges) {
    text += fmt::format("\\x{{{:x}}}", static_cast<std::uint32_t>(range.first));
    if (range.last != range.first)
      text += fmt::format("-\\x{{{:x}}}", static_cast<std::uint32_t>(range.last));
  }
  return text;
}

struct CharSet {
  std::vector<CodePointRange> ranges;
  bool negated = false;
};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {
    if (pattern.size() > kMaxPatternBytes) refuse("more than 64 KiB of pattern");
  }

  std::string run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\')
        escape();
      else if (c == '[')
        set();
      else if (c == '(')
        group();
      else if (c == ')')
        close_group();
      else if (c == '{')
        interval();
      else
        literal();
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw std::invalid_argument(
        fmt::format("{} is not supported in a pattern (at byte {})", what, at_));
  }
  bool next_is(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  void copy(std::size_t count) {
    out_ += in_.substr(at_, count);
    at_ += count;
  }
  void put(std::string_view text, std::size_t consumed) {
    out_ += text;
    at_ += consumed;
  }
  bool caseless() const { return !caseless_.empty() && caseless_.back(); }

  // Oniguruma folds "ss" to U+00DF and so on, PCRE2 only single characters: patterns where that
  // shows are refused.
  void literal() {
    const char c = in_[at_];
    if (caseless()) {
      if (static_cast<unsigned char>(c) >= 0x80)
        refuse("a letter outside ASCII in a caseless group");
      const std::string pair = {lower(previous_literal_), lower(c)};
      for (const char* folded : {"ss", "ff", "fi", "fl", "st"})
        if (pair == folded) refuse(fmt::format("\"{}\" in a caseless group", folded));
    }
    previous_literal_ = c;
    copy(1);
  }

  void group() {
    previous_literal_ = 0;
    bool fold = caseless();
    std::size_t length = 1;
    if (next_is("(*")) refuse("(*");
    if (next_is("(?")) {
      if (next_is("(?i)") && at_ == 0) {
        caseless_.push_back(true);
        copy(4);
        return;
      }
      if (next_is("(?m:")) {
        put("(?s:", 4);
        caseless_.push_back(fold);
        return;
      }
      length = 0;
      for (const char* known : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i:", "(?-i:"})
        if (next_is(known)) length = std::string_view(known).size();
      if (length == 0) refuse(in_.substr(at_, 3));
      if (next_is("(?i:")) fold = true;
      if (next_is("(?-i:")) fold = false;
    }
    caseless_.push_back(fold);
    copy(length);
  }

  void close_group() {
    previous_literal_ = 0;
    if (!caseless_.empty()) caseless_.pop_back();
    copy(1);
  }

  // In Ruby's syntax {n}? is an optional group and {n,m}+ a repeated one: refused rather than
  // guessed.
  void interval() {
    std::size_t end = at_ + 1;
    while (end < in_.size() && (is_digit(in_[end]) || in_[end] == ',')) ++end;
    const std::string_view inside = in_.substr(at_ + 1, end - at_ - 1);
    const bool is_interval = in_.substr(end).starts_with('}') &&
                             inside.find_first_of("0123456789") != inside.npos &&
                             inside.find(',') == inside.rfind(',');
    if (!is_interval) return literal();
    const std::string_view behind = in_.substr(end + 1);
    if (behind.starts_with('+') || (behind.starts_with('?') && inside.find(',') == inside.npos))
      refuse(in_.substr(at_, end + 2 - at_));
    previous_literal_ = 0;
    if (inside.starts_with(',')) put("{0", 1);
    copy(end + 1 - at_);
  }

  // At a backslash. A set such as \s or \p{L}, consumed; nothing is consumed when it is something
  // else.
  std::optional<CharSet> escaped_set() {
    if (at_ + 1 >= in_.size()) refuse("a backslash at the end");
    const char c = in_[at_ + 1];
    std::string_view name;
    switch (lower(c)) {
      case 's':
        name = "space";
        break;
      case 'd':
        name = "digit";
        break;
      case 'w':
        name = "word";
        break;
      case 'h':
        at_ += 2;
        return CharSet{{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, c == 'H'};
      case 'p':
        return property();
      default:
        return std::nullopt;
    }
    at_ += 2;
    return CharSet{*property_ranges(name), c >= 'A' && c <= 'Z'};
  }

  CharSet property() {
    bool negated = in_[at_ + 1] == 'P';
    const std::size_t end = in_.find('}', at_);
    if (at_ + 2 >= in_.size() || in_[at_ + 2] != '{' || end == std::string_view::npos)
      refuse("\\p without {name}");
    std::string_view name = in_.substr(at_ + 3, end - at_ - 3);
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    auto ranges =
        name == "space" || name == "word" || name == "digit" ? std::nullopt : property_ranges(name);
    if (!ranges) refuse(fmt::format("the property \\p{{{}}}", name));
    at_ = end + 1;
    return {std::move(*ranges), negated};
  }

  // At a backslash that starts no set: one character, in the spelling PCRE2 wants.
  void escaped_char() {
    const char c = in_[at_ + 1];
    if (static_cast<unsigned char>(c) >= 0x80) {
      ++at_;
      return;
    }
    if (!is_ascii_letter(c) && !is_digit(c)) return copy(2);
    switch (c) {
      case 'n':
      case 't':
      case 'r':
      case 'f':
      case 'a':
      case 'e':
        return copy(2);
      case 'v':
        return put("\\x{b}", 2);
      case 'x':
      case 'u':
        return code_point(c);
      default:
        refuse(in_.substr(at_, 2));
    }
  }

  void code_point(char kind) {
    std::size_t begin = at_ + 2;
    const bool braces = kind == 'x' && in_.substr(begin).starts_with('{');
    if (braces) ++begin;
    std::size_t end = begin;
    const std::size_t most = kind == 'u' ? 4 : braces ? 8 : 2;
    while (end < in_.size() && end - begin < most && is_hex(in_[end])) ++end;
    if (end == begin || (kind == 'u' && end - begin != 4))
      refuse(fmt::format("\\{} without digits", kind));
    if (braces && !in_.substr(end).starts_with('}')) refuse("\\x{ without }");
    const unsigned long value =
        std::stoul(std::string(in_.substr(begin, end - begin)), nullptr, 16);
    if (kind == 'x' && !braces && value >= 0x80) refuse("\\x of a byte above 7f");
    put(fmt::format("\\x{{{:x}}}", value), end + (braces ? 1 : 0) - at_);
  }

  void escape() {
    previous_literal_ = 0;
    if (std::optional<CharSet> found = escaped_set()) {
      if (caseless()) refuse("a character class in a caseless group");
      out_ += (found->negated ? "[^" : "[") + listed(found->ranges) + "]";
      return;
    }
    switch (in_[at_ + 1]) {
      case 'A':
      case 'z':
      case 'Z':
        return copy(2);
      case 'b':
        return word_border("(?:(?<=W)(?!W)|(?<!W)(?=W))");
      case 'B':
        return word_border("(?:(?<=W)(?=W)|(?<!W)(?!W))");
      default:
        break;
    }
    if (in_[at_ + 1] >= '1' && in_[at_ + 1] <= '9') return copy(2);
    escaped_char();
  }

  void word_border(std::string_view shape) {
    const std::string word = "[" + listed(*property_ranges("word")) + "]";
    for (const char c : shape) {
      if (c == 'W')
        out_ += word;
      else
        out_ += c;
    }
    at_ += 2;
  }

  void set() {
    if (caseless()) refuse("a character class in a caseless group");
    previous_literal_ = 0;
    copy(1);
    if (next_is("^")) copy(1);
    if (next_is("]")) refuse("an empty or unescaped ] set");
    int depth = 1;
    bool after_set = true;  // a hyphen here is no range
    while (depth > 0) {
      if (at_ >= in_.size()) refuse("a set without ]");
      const char c = in_[at_];
      if (next_is("&&")) refuse("&& in a set");
      if (c == '[') {
        if (next_is("[:") || next_is("[^") || next_is("[]")) refuse(in_.substr(at_, 2));
        ++depth;
        ++at_;
        after_set = true;
      } else if (c == ']') {
        --depth;
        ++at_;
        after_set = true;
      } else if (c == '-') {
        put(after_set || !range_end_follows() ? "\\-" : "-", 1);
        after_set = false;
      } else if (c == '\\') {
        after_set = set_escape();
      } else {
        copy(1);
        after_set = false;
      }
    }
    out_ += ']';
  }

  bool range_end_follows() const {
    const std::string_view rest = in_.substr(at_ + 1);
    if (rest.empty() || rest[0] == ']' || rest[0] == '[') return false;
    return !(rest[0] == '\\' && rest.size() > 1 &&
             std::string_view("sSdDwWhHpP").find(rest[1]) != std::string_view::npos);
  }

  bool set_escape() {
    if (const std::optional<CharSet> found = escaped_set()) {
      out_ += listed(found->negated ? complement(found->ranges) : found->ranges);
      return true;
    }
    if (in_[at_ + 1] == 'b')
      put("\\x{8}", 2);
    else
      escaped_char();
    return false;
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<bool> caseless_;
  char previous_literal_ = 0;
};

}  // namespace

std::string pcre2_pattern(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace engine
