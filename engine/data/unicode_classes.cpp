// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/unicode_classes.h"

#include <algorithm>
#include <span>
#include <string>

namespace engine {
namespace {

using unicode_table::CategoryRun;

constexpr std::string_view kCategoryNames[] = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cs"};

struct LongName {
  std::string_view name;
  std::string_view category;
};
constexpr LongName kLongNames[] = {{"Letter", "L"},
                                   {"Mark", "M"},
                                   {"Number", "N"},
                                   {"Punctuation", "P"},
                                   {"Symbol", "S"},
                                   {"Separator", "Z"},
                                   {"Uppercase_Letter", "Lu"},
                                   {"Lowercase_Letter", "Ll"}};

std::string_view name_of(GeneralCategory category) {
  return kCategoryNames[static_cast<std::size_t>(category)];
}

std::span<const CategoryRun> runs() {
  return {unicode_table::kCategoryRuns, unicode_table::kCategoryRunCount};
}

template <class Visit>
void for_each_run(Visit visit) {
  for (std::size_t i = 0; i < runs().size(); ++i) {
    const char32_t last = i + 1 < runs().size() ? runs()[i + 1].first - 1 : kMaxCodePoint;
    visit(CodePointRange{runs()[i].first, last}, name_of(runs()[i].category));
  }
}

void sort_and_join(std::vector<CodePointRange>& ranges) {
  std::sort(ranges.begin(), ranges.end(), [](auto a, auto b) { return a.first < b.first; });
  std::vector<CodePointRange> joined;
  for (const CodePointRange& range : ranges) {
    if (!joined.empty() && range.first <= joined.back().last + 1)
      joined.back().last = std::max(joined.back().last, range.last);
    else
      joined.push_back(range);
  }
  ranges = std::move(joined);
}

template <class Accept>
std::vector<CodePointRange> ranges_where(Accept accept) {
  std::vector<CodePointRange> ranges;
  for_each_run([&](CodePointRange range, std::string_view name) {
    if (accept(name)) ranges.push_back(range);
  });
  sort_and_join(ranges);
  return ranges;
}

bool is_plain_word(std::string_view name) {
  return name[0] == 'L' || name[0] == 'M' || name == "Nd" || name == "Nl" || name == "Pc";
}

std::vector<CodePointRange> word_ranges(const CodePointRange* extras, std::size_t count) {
  std::vector<CodePointRange> ranges = ranges_where(is_plain_word);
  ranges.insert(ranges.end(), extras, extras + count);
  sort_and_join(ranges);
  return ranges;
}

std::vector<std::uint8_t> build_char_classes() {
  std::vector<std::uint8_t> classes(kMaxCodePoint + 1, 0);
  const auto mark = [&](CodePointRange range, std::uint8_t bit) {
    for (char32_t c = range.first; c <= range.last; ++c) classes[c] |= bit;
  };
  for_each_run([&](CodePointRange range, std::string_view name) {
    if (name[0] == 'L') mark(range, CharClass::letter);
    if (name[0] == 'N') mark(range, CharClass::number);
  });
  for (const CodePointRange& range :
       word_ranges(unicode_table::kWordExtras, unicode_table::kWordExtrasCount))
    mark(range, CharClass::word);
  for (std::size_t i = 0; i < unicode_table::kWhiteSpaceCount; ++i)
    mark(unicode_table::kWhiteSpace[i], CharClass::white_space);
  return classes;
}

}  // namespace

const std::uint8_t* char_classes() {
  static const std::vector<std::uint8_t> classes = build_char_classes();
  return classes.data();
}

std::optional<std::vector<CodePointRange>> property_ranges(std::string_view name) {
  using namespace unicode_table;
  if (name == "space")
    return std::vector<CodePointRange>(kWhiteSpace, kWhiteSpace + kWhiteSpaceCount);
  if (name == "word") return word_ranges(kPatternWordExtras, kPatternWordExtrasCount);
  if (name == "digit") name = "Nd";
  if (name == "Han") return std::vector<CodePointRange>(kHan, kHan + kHanCount);
  for (const LongName& known : kLongNames)
    if (known.name == name) name = known.category;
  if (name.empty() || name.size() > 2) return std::nullopt;
  std::vector<CodePointRange> ranges =
      ranges_where([&](std::string_view category) { return category.starts_with(name); });
  if (ranges.empty()) return std::nullopt;
  return ranges;
}

std::vector<CodePointRange> complement(const std::vector<CodePointRange>& ranges) {
  std::vector<CodePointRange> taken = ranges;
  taken.push_back({0xD800, 0xDFFF});
  sort_and_join(taken);
  std::vector<CodePointRange> rest;
  char32_t next = 0;
  for (const CodePointRange& range : taken) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kMaxCodePoint) rest.push_back({next, kMaxCodePoint});
  return rest;
}

}  // namespace engine
