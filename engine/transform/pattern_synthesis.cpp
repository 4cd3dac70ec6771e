// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/pattern_synthesis.h"

#include "engine/config/layer_pattern.h"
#include "engine/transform/word_set_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>

namespace engine {
namespace {

constexpr std::size_t longest_handy_pattern = 160;

bool is_number(const std::string& token) {
  return !token.empty() &&
         std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> split_at_dots(const std::string& name) {
  std::vector<std::string> tokens(1);
  for (char c : name) {
    if (c == '.')
      tokens.emplace_back();
    else
      tokens.back() += c;
  }
  return tokens;
}

/// `head.number.tail`, split at the first number; without one, all of it is the head.
struct SplitName {
  std::string head;
  std::string number;
  std::string tail;
};

SplitName split_name(const std::string& name) {
  SplitName split;
  bool in_tail = false;
  for (const std::string& token : split_at_dots(name)) {
    if (!in_tail && is_number(token) && !split.head.empty()) {
      split.number = token;
      in_tail = true;
      continue;
    }
    std::string& part = in_tail ? split.tail : split.head;
    part += (part.empty() ? "" : ".") + token;
  }
  return split;
}

using Template = std::pair<std::string, std::string>;  ///< head, tail

class Synthesis {
 public:
  Synthesis(const std::vector<std::string>& selected, const std::vector<std::string>& layers)
      : layers_(layers), is_selected_(selected.begin(), selected.end()) {
    for (const std::string& layer : layers_) {
      const SplitName split = split_name(layer);
      const Template name{split.head, split.tail};
      if (is_selected_.count(layer)) {
        selected_.push_back(layer);
        if (split.number.empty()) {
          alone_.push_back(layer);
        } else {
          if (!wanted_.count(name)) order_.push_back(name);
          wanted_[name].insert(split.number);
        }
      } else {
        rest_.push_back(layer);
        if (!split.number.empty()) unwanted_[name].insert(split.number);
      }
      if (!split.number.empty()) tails_[split.head].insert(split.tail);
    }
  }

  std::string pattern() {
    if (selected_.empty()) return "";
    std::vector<std::string> candidates{joined_groups()};
    candidates.push_back(".*");
    candidates.push_back(".*" + shared_end(selected_));
    constexpr std::size_t few = 8;
    if (selected_.size() <= few) candidates.push_back(word_set_pattern(selected_, false, false));
    std::vector<std::string> ends;
    for (const std::string& name : selected_) ends.push_back(split_at_dots(name).back());
    candidates.push_back("(.*\\.)?" + word_set_pattern(ends, false, true));
    return not_reserved(shortest(candidates, selected_));
  }

  /// All layers whose names differ from a selected one in the number only.
  std::vector<std::string> every_block() const {
    std::vector<std::string> wider;
    for (const std::string& layer : layers_) {
      const SplitName split = split_name(layer);
      if (is_selected_.count(layer) ||
          (!split.number.empty() && wanted_.count({split.head, split.tail})))
        wider.push_back(layer);
    }
    return wider;
  }

  /// All layers in the blocks that hold a selected one.
  std::vector<std::string> whole_blocks() const {
    std::set<std::pair<std::string, std::string>> blocks;
    for (const std::string& layer : selected_) {
      const SplitName split = split_name(layer);
      if (!split.number.empty()) blocks.insert({split.head, split.number});
    }
    std::vector<std::string> wider;
    for (const std::string& layer : layers_) {
      const SplitName split = split_name(layer);
      if (is_selected_.count(layer) ||
          (!split.number.empty() && blocks.count({split.head, split.number})))
        wider.push_back(layer);
    }
    return wider;
  }

  std::string explicit_list() const {
    std::string text;
    for (const std::string& name : selected_)
      text += (text.empty() ? "" : "|") + escaped_pattern(name);
    return not_reserved(text);
  }

  bool is_exact(const std::string& text, const std::vector<std::string>& wanted) const {
    const LayerPattern pattern(text, true);
    const auto matches = [&](const std::string& name) {
      return pattern.match(name) == LayerPattern::Result::match;
    };
    return std::none_of(rest_.begin(), rest_.end(), matches) &&
           std::all_of(wanted.begin(), wanted.end(), matches);
  }

 private:
  /// The shortest that matches all of `wanted` and nothing that is not selected; the first among
  /// equals. The first candidate must be such a one.
  std::string shortest(const std::vector<std::string>& candidates,
                       const std::vector<std::string>& wanted) const {
    std::vector<const std::string*> shorter;
    for (const std::string& each : candidates)
      if (each.size() < candidates[0].size()) shorter.push_back(&each);
    std::stable_sort(
        shorter.begin(), shorter.end(),
        [](const std::string* a, const std::string* b) { return a->size() < b->size(); });
    for (const std::string* each : shorter)
      if (is_exact(*each, wanted)) return *each;
    return candidates[0];
  }

  /// Templates with the same numbers in one part each, the names without a number in another.
  std::string joined_groups() {
    using Key = std::tuple<std::string, std::set<std::string>, std::set<std::string>>;
    std::vector<std::pair<Key, std::vector<std::string>>> groups;
    for (const Template& name : order_) {
      Key key{name.first, wanted_[name], unwanted_[name]};
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& each) { return each.first == key; });
      if (group == groups.end())
        group = groups.emplace(groups.end(), std::move(key), std::vector<std::string>());
      group->second.push_back(name.second);
    }
    std::string text;
    for (const auto& [key, tails] : groups) {
      const auto& [head, wanted, unwanted] = key;
      text += (text.empty() ? "" : "|") + group_pattern(head, wanted, unwanted, tails);
    }
    if (!alone_.empty()) text += (text.empty() ? "" : "|") + word_set_pattern(alone_, false, false);
    return text;
  }

  std::string group_pattern(const std::string& head, const std::set<std::string>& wanted,
                            const std::set<std::string>& unwanted,
                            const std::vector<std::string>& tails) const {
    std::vector<std::string> names;
    for (const std::string& tail : tails)
      for (const std::string& number : wanted)
        names.push_back(head + "." + number + (tail.empty() ? "" : "." + tail));
    const std::string number = number_set_pattern(wanted, unwanted);
    const bool has_bare_block = std::count(tails.begin(), tails.end(), std::string()) > 0;
    std::vector<std::string> dotted;
    for (const std::string& tail : tails) dotted.push_back(tail.empty() ? "" : "." + tail);
    const std::string exact_number = escaped_pattern(head) + "\\." + number;
    std::vector<std::string> candidates{exact_number + word_set_pattern(dotted, false, true)};
    if (!has_bare_block) {
      std::vector<std::string> ends;
      for (const std::string& tail : tails) ends.push_back(split_at_dots(tail).back());
      const std::string end = word_set_pattern(ends, false, true);
      const std::string all = word_set_pattern(tails, false, true);
      const std::string short_tails = word_set_pattern(with_wildcards(head, tails), true, true);
      for (const std::string& front :
           {exact_number + "\\.", ".*\\." + number + "\\.", std::string(".*\\.")})
        for (const std::string& back :
             {all, short_tails, end, std::string(".*"), ".*" + shared_end(tails)})
          candidates.push_back(front + back);
      candidates.push_back(".*" + shared_end(tails));
    }
    return shortest(candidates, names);
  }

  /// Where everything below a token is selected, `token.*` or `token\..*` stands for it.
  std::vector<std::string> with_wildcards(const std::string& head,
                                          const std::vector<std::string>& tails) const {
    const std::set<std::string> wanted(tails.begin(), tails.end());
    std::vector<std::string> result;
    for (const std::string& tail : tails) {
      std::string replacement = tail;
      for (std::size_t dot = tail.find('.'); dot != std::string::npos;
           dot = tail.find('.', dot + 1)) {
        const std::string container = tail.substr(0, dot);
        if (!all_below(head, container, wanted)) continue;
        replacement = container + (wanted.count(container) ? ".*" : "..*");
        break;
      }
      for (const std::string& each : tails)
        if (each == tail && all_below(head, tail, wanted) && has_below(head, tail))
          replacement = tail + ".*";
      if (std::find(result.begin(), result.end(), replacement) == result.end())
        result.push_back(replacement);
    }
    return result;
  }

  bool all_below(const std::string& head, const std::string& container,
                 const std::set<std::string>& wanted) const {
    const auto& tails = tails_.at(head);
    return std::all_of(tails.lower_bound(container + "."), tails.lower_bound(container + "/"),
                       [&](const std::string& tail) { return wanted.count(tail) > 0; });
  }

  bool has_below(const std::string& head, const std::string& container) const {
    const auto& tails = tails_.at(head);
    return tails.lower_bound(container + ".") != tails.lower_bound(container + "/");
  }

  /// The end that all words share, from a `_` or `.` on, as a pattern.
  static std::string shared_end(const std::vector<std::string>& words) {
    std::string end = words[0];
    for (const std::string& word : words)
      while (end.size() > word.size() ||
             word.compare(word.size() - end.size(), end.size(), end) != 0)
        end.erase(0, 1);
    const std::size_t cut = words.size() == 1 ? std::string::npos : end.find_first_of("._");
    return cut == std::string::npos ? "" : escaped_pattern(end.substr(cut));
  }

  static std::string not_reserved(const std::string& pattern) {
    if (pattern == "default") return "defaul[t]";
    if (pattern == "total") return "tota[l]";
    return pattern;
  }

  const std::vector<std::string>& layers_;
  std::unordered_set<std::string> is_selected_;
  std::vector<std::string> selected_;  ///< in the order of the layers
  std::vector<std::string> rest_;
  std::vector<std::string> alone_;  ///< selected, without a number
  std::vector<Template> order_;
  std::map<Template, std::set<std::string>> wanted_;
  std::map<Template, std::set<std::string>> unwanted_;
  std::map<std::string, std::set<std::string>> tails_;
};

std::vector<std::string> beyond(const std::vector<std::string>& wider,
                                const std::vector<std::string>& selected) {
  const std::unordered_set<std::string> known(selected.begin(), selected.end());
  std::vector<std::string> extra;
  for (const std::string& name : wider)
    if (!known.count(name)) extra.push_back(name);
  return extra;
}

}  // namespace

std::string escaped_pattern(const std::string& name) {
  std::string text;
  for (char c : name) {
    if (std::string_view("\\.^$*+?()[]{}|").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text;
}

SynthesizedPattern synthesize_pattern(const std::vector<std::string>& selected,
                                      const std::vector<std::string>& layers) {
  SynthesizedPattern result;
  if (selected.empty()) return result;
  const std::unordered_set<std::string> known(layers.begin(), layers.end());
  for (const std::string& name : selected)
    if (!known.count(name)) {
      result.problem = fmt::format("{} is not among the layers of this model", name);
      return result;
    }
  Synthesis synthesis(selected, layers);
  result.pattern = synthesis.pattern();
  const std::string list = synthesis.explicit_list();
  if (!synthesis.is_exact(result.pattern, selected)) result.pattern = list;
  if (!synthesis.is_exact(result.pattern, selected)) {
    result.pattern.clear();
    result.problem = "no pattern can tell these layers from the others";
    return result;
  }
  result.is_unwieldy = result.pattern.size() > longest_handy_pattern;

  std::set<std::string> offered{result.pattern};
  const auto offer = [&](const std::vector<std::string>& wider, const char* why) {
    std::vector<std::string> extra = beyond(wider, selected);
    if (extra.empty()) return;
    std::string pattern = Synthesis(wider, layers).pattern();
    if (pattern.size() < result.pattern.size() && offered.insert(pattern).second)
      result.alternatives.push_back({std::move(pattern), std::move(extra), why});
  };
  offer(synthesis.every_block(), "the same layers of every block");
  offer(synthesis.whole_blocks(), "these blocks as a whole");
  if (offered.insert(list).second && selected.size() > 1)
    result.alternatives.push_back({list, {}, "each name on its own"});
  return result;
}

}  // namespace engine
