// SPDX-License-Identifier: GPL-3.0-or-later
// Character classes in the Unicode version (16.0) that Hugging Face `tokenizers` 0.21 is built
// with. PCRE2 10.42 and the C library know 14.0, so token borders around newer letters would differ
// if theirs were used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace engine {

enum class GeneralCategory : std::uint8_t {
  Cn,
  Lu,
  Ll,
  Lt,
  Lm,
  Lo,
  Mn,
  Mc,
  Me,
  Nd,
  Nl,
  No,
  Pc,
  Pd,
  Ps,
  Pe,
  Pi,
  Pf,
  Po,
  Sm,
  Sc,
  Sk,
  So,
  Zs,
  Zl,
  Zp,
  Cc,
  Cf,
  Co,
  Cs,
};

/// Both ends belong to the range.
struct CodePointRange {
  char32_t first;
  char32_t last;
  friend bool operator==(const CodePointRange&, const CodePointRange&) = default;
};

/// What the splitters ask about one code point, precomputed.
struct CharClass {
  static constexpr std::uint8_t letter = 1;       ///< \p{L}
  static constexpr std::uint8_t number = 2;       ///< \p{N}
  static constexpr std::uint8_t white_space = 4;  ///< \s
  static constexpr std::uint8_t word = 8;  ///< the Whitespace pre-tokenizer's and single_word's \w
};

/// CharClass bits of every code point below 0x110000, indexed by it. Built once, on first use; any
/// thread.
const std::uint8_t* char_classes();

inline constexpr char32_t kMaxCodePoint = 0x10FFFF;

/// Code points of a property: a general category ("Lu"), a major class ("L"), its long name
/// ("Letter"), "Han", or one of "space", "word", "digit" as patterns mean \s, \w and \d. Sorted,
/// disjoint. Absent = not known.
std::optional<std::vector<CodePointRange>> property_ranges(std::string_view name);

/// Everything below 0x110000 that is in none of `ranges` (sorted, disjoint), surrogates left out.
std::vector<CodePointRange> complement(const std::vector<CodePointRange>& ranges);

namespace unicode_table {
struct CategoryRun {
  char32_t first;
  GeneralCategory category;
};
extern const CategoryRun kCategoryRuns[];
extern const std::size_t kCategoryRunCount;
extern const CodePointRange kWordExtras[];
extern const std::size_t kWordExtrasCount;
extern const CodePointRange kPatternWordExtras[];
extern const std::size_t kPatternWordExtrasCount;
extern const CodePointRange kHan[];
extern const std::size_t kHanCount;
extern const CodePointRange kWhiteSpace[];
extern const std::size_t kWhiteSpaceCount;
}  // namespace unicode_table

}  // namespace engine
