// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace engine {

/// The one matcher of layer names: Python's re.fullmatch on PCRE2, or equality. A value; copies
/// share the compiled code. Matching is const and may be done from several threads at once.
class LayerPattern {
 public:
  enum class Result {
    no_match,
    match,
    gave_up,  ///< the match limits were exceeded: a pattern that backtracks without end
  };

  /// Always succeeds; a pattern that does not compile has an error() and matches nothing.
  LayerPattern(std::string text, bool use_regex);

  const std::string& text() const { return text_; }
  /// Why it did not compile, or ""; error_offset() is the byte where.
  const std::string& error() const { return error_; }
  std::size_t error_offset() const { return error_offset_; }

  Result match(const std::string& name) const;
  /// The same, but gives up after some ten microseconds of work: nearly every match needs far less.
  Result match_quickly(const std::string& name) const;

 private:
  struct Code;
  Result match(const std::string& name, bool quickly) const;

  std::string text_;
  std::shared_ptr<const Code> code_;  ///< null: equality, or an error
  bool use_regex_;
  std::string error_;
  std::size_t error_offset_ = 0;
};

}  // namespace engine
