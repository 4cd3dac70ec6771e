// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/word_set_pattern.h"

#include "engine/transform/pattern_synthesis.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

namespace engine {
namespace {

using Pieces = std::vector<std::string_view>;  ///< of words that live on

Pieces pieces_of(std::string_view word) {
  Pieces pieces;
  for (std::size_t i = 0; i < word.size();) {
    std::size_t end = word.find_first_of("._*", i);
    if (word.compare(i, 2, ".*") == 0)
      end = i + 2;
    else if (end == i)
      end = i + 1;
    end = std::min(end, word.size());
    pieces.push_back(word.substr(i, end - i));
    i = end;
  }
  return pieces;
}

/// Trying both ways at every level takes time that grows with the words to some power.
constexpr std::size_t most_words_both_ways = 12;

/// What an alternation is made of, with whether brackets are needed around it.
struct Part {
  std::string text;
  bool is_alternation = false;

  std::string grouped() const { return is_alternation ? "(" + text + ")" : text; }
};

bool is_one_character(const std::string& text) {
  return text.size() == 1 && std::string("^]\\-[").find(text[0]) == std::string::npos;
}

class Factoring {
 public:
  explicit Factoring(bool wildcards) : wildcards_(wildcards) {}

  Part factor(std::vector<Pieces> words) const {
    std::vector<Pieces> unique;
    for (Pieces& word : words)
      if (std::find(unique.begin(), unique.end(), word) == unique.end())
        unique.push_back(std::move(word));
    return factor_unique(std::move(unique));
  }

 private:
  std::string literal(std::string_view piece) const {
    return wildcards_ && piece == ".*" ? ".*" : escaped_pattern(std::string(piece));
  }

  Part factor_unique(std::vector<Pieces> words) const {
    std::string head;
    std::string tail;
    while (const auto first = common(words, true)) {
      head += literal(*first);
      for (Pieces& word : words) word.erase(word.begin());
    }
    while (const auto last = common(words, false)) {
      tail = literal(*last) + tail;
      for (Pieces& word : words) word.pop_back();
    }
    if (words.size() == 1) return {head + tail, false};
    const Part middle =
        words.size() > most_words_both_ways ? grouped_by(words, true) : alternatives(words);
    if (head.empty() && tail.empty()) return middle;
    return {head + middle.grouped() + tail, false};
  }

  static std::optional<std::string_view> common(const std::vector<Pieces>& words, bool at_front) {
    for (const Pieces& word : words) {
      if (word.empty()) return std::nullopt;
      const std::string_view piece = at_front ? word.front() : word.back();
      if (piece != (at_front ? words[0].front() : words[0].back())) return std::nullopt;
    }
    return at_front ? words[0].front() : words[0].back();
  }

  Part alternatives(const std::vector<Pieces>& words) const {
    const Part by_head = grouped_by(words, true);
    const Part by_tail = grouped_by(words, false);
    return by_tail.text.size() < by_head.text.size() ? by_tail : by_head;
  }

  Part grouped_by(const std::vector<Pieces>& words, bool at_front) const {
    std::vector<std::pair<std::string_view, std::vector<Pieces>>> groups;
    bool has_empty = false;
    for (const Pieces& word : words) {
      if (word.empty()) {
        has_empty = true;
        continue;
      }
      const std::string_view piece = at_front ? word.front() : word.back();
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& each) { return each.first == piece; });
      if (group == groups.end()) group = groups.emplace(groups.end(), piece, std::vector<Pieces>());
      group->second.push_back(word);
    }
    std::vector<std::string> texts;
    for (const auto& [piece, group] : groups) texts.push_back(factor_unique(group).text);
    Part part = join(texts);
    // A group of one word is never an alternation at its top, larger ones have a common piece.
    if (has_empty) part = {"(" + part.text + ")?", false};
    return part;
  }

  static Part join(const std::vector<std::string>& texts) {
    if (texts.size() == 1) return {texts[0], false};
    std::string characters;
    for (const std::string& text : texts)
      if (is_one_character(text)) characters += text;
    if (characters.size() == texts.size()) return {"[" + characters + "]", false};
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : "|") + text;
    return {all, true};
  }

  bool wildcards_;
};

/// "[0-37]" for the digits 0, 1, 2, 3, 7; one digit stands for itself.
std::string digit_class(const std::set<char>& digits) {
  if (digits.size() == 1) return std::string(1, *digits.begin());
  std::string text = "[";
  for (auto digit = digits.begin(); digit != digits.end();) {
    const char first = *digit;
    char last = first;
    while (++digit != digits.end() && *digit == last + 1) last = *digit;
    text += first;
    if (last > first + 1) text += '-';
    if (last > first) text += last;
  }
  return text + "]";
}

struct Numbers {
  std::set<std::string> wanted;
  std::set<std::string> unwanted;
};

bool intersects(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const std::string& each) { return b.count(each) > 0; });
}

/// For numbers of one length: digits with compatible continuations share a class.
std::vector<std::string> same_length_patterns(const Numbers& numbers) {
  if (numbers.wanted.empty()) return {};
  if (numbers.wanted.begin()->empty()) return {""};
  std::map<char, Numbers> by_digit;
  for (const std::string& number : numbers.wanted)
    by_digit[number[0]].wanted.insert(number.substr(1));
  for (const std::string& number : numbers.unwanted)
    by_digit[number[0]].unwanted.insert(number.substr(1));
  std::vector<std::pair<std::set<char>, Numbers>> classes;
  for (const auto& [digit, rest] : by_digit) {
    if (rest.wanted.empty()) continue;
    const auto fits = [&rest = rest](const auto& each) {
      return !intersects(each.second.wanted, rest.unwanted) &&
             !intersects(each.second.unwanted, rest.wanted);
    };
    auto found = std::find_if(classes.begin(), classes.end(), fits);
    if (found == classes.end()) found = classes.emplace(classes.end());
    found->first.insert(digit);
    found->second.wanted.insert(rest.wanted.begin(), rest.wanted.end());
    found->second.unwanted.insert(rest.unwanted.begin(), rest.unwanted.end());
  }
  std::vector<std::string> patterns;
  for (auto& [digits, rest] : classes) {
    // Digits that occur nowhere may join; ten of them are the well-known class.
    std::set<char> widened = digits;
    for (char digit = '0'; digit <= '9'; ++digit)
      if (!by_digit.count(digit)) widened.insert(digit);
    if (widened.size() == 10) digits = widened;
    for (const std::string& tail : same_length_patterns(rest))
      patterns.push_back(digit_class(digits) + tail);
  }
  return patterns;
}

std::string by_length(const Numbers& numbers) {
  std::map<std::size_t, Numbers> lengths;
  for (const std::string& number : numbers.wanted) lengths[number.size()].wanted.insert(number);
  for (const std::string& number : numbers.unwanted) lengths[number.size()].unwanted.insert(number);
  std::string text;
  int count = 0;
  for (const auto& [length, each] : lengths)
    for (const std::string& pattern : same_length_patterns(each)) {
      text += (count ? "|" : "") + pattern;
      ++count;
    }
  return count > 1 ? "(" + text + ")" : text;
}

/// "[0-9]*[02468]" when the last digit decides, else "".
std::string by_last_digit(const Numbers& numbers) {
  std::set<char> digits;
  for (const std::string& number : numbers.wanted) digits.insert(number.back());
  for (const std::string& number : numbers.unwanted)
    if (digits.count(number.back())) return "";
  return "[0-9]*" + digit_class(digits);
}

}  // namespace

std::string word_set_pattern(const std::vector<std::string>& words, bool wildcards, bool in_group) {
  std::vector<Pieces> pieces;
  for (const std::string& word : words) pieces.push_back(pieces_of(word));
  const Part part = Factoring(wildcards).factor(std::move(pieces));
  return in_group ? part.grouped() : part.text;
}

std::string number_set_pattern(const std::set<std::string>& wanted,
                               const std::set<std::string>& unwanted) {
  if (unwanted.empty() && wanted.size() > 1) return "[0-9]+";
  const Numbers numbers{wanted, unwanted};
  const std::string exact = by_length(numbers);
  const std::string last = by_last_digit(numbers);
  return !last.empty() && last.size() < exact.size() ? last : exact;
}

}  // namespace engine
