// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace engine {

/// Working memory of matching; one per thread.
class RegexScratch {
 public:
  RegexScratch();
  ~RegexScratch();
  RegexScratch(RegexScratch&&) noexcept;
  RegexScratch& operator=(RegexScratch&&) noexcept;

 private:
  friend class Regex;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct TextRange {
  std::size_t begin;
  std::size_t end;
  friend bool operator==(const TextRange&, const TextRange&) = default;
};

/// A pattern of a tokenizer.json (see regex_pattern.h), compiled by PCRE2. Patterns come from files
/// and are not trusted: matching is bounded. Immutable; any thread.
class Regex {
 public:
  /// Throws std::invalid_argument with the reason.
  explicit Regex(std::string_view pattern);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// The first match at or after `from`. `subject` must be valid UTF-8. Throws Error when the
  /// pattern needs more steps than it may take.
  std::optional<TextRange> search(std::string_view subject, std::size_t from,
                                  RegexScratch& scratch) const;
  const std::string& pattern() const { return pattern_; }

 private:
  struct Code;
  std::string pattern_;
  std::unique_ptr<Code> code_;
};

/// What Split and Replace look for: a string or a pattern.
class TextPattern {
 public:
  /// Throws std::invalid_argument when `text` is empty: it would match everywhere.
  static TextPattern literal(std::string text);
  static TextPattern regex(std::string_view pattern) { return TextPattern(Regex(pattern)); }

  using SegmentFunction = std::function<void(TextRange range, bool is_match)>;
  /// Cuts `subject` into matches and what lies between them, in order. Gaps are never empty, a
  /// match may be.
  void segments(std::string_view subject, RegexScratch& scratch, const SegmentFunction& take) const;

 private:
  explicit TextPattern(std::variant<std::string, Regex> kind) : kind_(std::move(kind)) {}
  std::variant<std::string, Regex> kind_;
};

}  // namespace engine
