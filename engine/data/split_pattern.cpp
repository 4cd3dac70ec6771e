// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/split_pattern.h"

#include "engine/data/json_part.h"
#include "engine/data/normalizer.h"
#include "engine/data/unicode_classes.h"
#include "engine/data/word_split.h"

#include <array>
#include <optional>
#include <string_view>

namespace engine {
namespace {

enum class Behaviour { removed, isolated, merged_with_previous, merged_with_next, contiguous };

constexpr std::array<std::pair<std::string_view, Behaviour>, 5> kBehaviours = {{
    {"Removed", Behaviour::removed},
    {"Isolated", Behaviour::isolated},
    {"MergedWithPrevious", Behaviour::merged_with_previous},
    {"MergedWithNext", Behaviour::merged_with_next},
    {"Contiguous", Behaviour::contiguous},
}};

// Joins the segments of a text as the behaviour wants, and passes on what is not empty.
class Joiner {
 public:
  Joiner(Behaviour behaviour, const TextPiece& piece, PieceSink& next)
      : behaviour_(behaviour), piece_(piece), next_(next) {}

  void take(TextRange range, bool is_match) {
    if (behaviour_ == Behaviour::removed && is_match) return;
    if (held_ && joins(is_match)) {
      held_->end = range.end;
    } else {
      flush();
      held_ = range;
    }
    previous_match_ = is_match;
  }

  void flush() {
    if (held_ && held_->end > held_->begin) next_.take(piece_.sub(held_->begin, held_->end));
    held_.reset();
  }

 private:
  // Whether a segment belongs to the one before it.
  bool joins(bool is_match) const {
    switch (behaviour_) {
      case Behaviour::merged_with_previous:
        return is_match && !previous_match_;
      case Behaviour::merged_with_next:
        return !is_match && previous_match_;
      case Behaviour::contiguous:
        return is_match == previous_match_;
      default:
        return false;
    }
  }

  Behaviour behaviour_;
  const TextPiece& piece_;
  PieceSink& next_;
  std::optional<TextRange> held_;
  bool previous_match_ = false;
};

class PatternSplit : public PreTokenizer {
 public:
  PatternSplit(TextPattern pattern, Behaviour behaviour, bool invert)
      : pattern_(std::move(pattern)), behaviour_(behaviour), invert_(invert) {}

  void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& next) const override {
    Joiner joiner(behaviour_, piece, next);
    // Steps behind this one use the scratch memory too; a match is read out before it is passed on.
    pattern_.segments(piece.text, scratch, [&](TextRange range, bool is_match) {
      joiner.take(range, is_match != invert_);
    });
    joiner.flush();
  }

 private:
  TextPattern pattern_;
  Behaviour behaviour_;
  bool invert_;
};

class Llama3Split : public PreTokenizer {
 public:
  void split(const TextPiece& piece, RegexScratch&, PieceSink& next) const override {
    const std::uint8_t* classes = char_classes();
    for (std::size_t at = 0; at < piece.text.size();) {
      const std::size_t end = at + next_llama3_word(piece.text.substr(at), classes);
      next.take(piece.sub(at, end));
      at = end;
    }
  }
};

bool is_llama3_pattern(const JsonPart& pattern) {
  return pattern.has("Regex") && pattern.text("Regex") == kLlama3Pattern;
}

}  // namespace

std::unique_ptr<PreTokenizer> make_split(const JsonPart& part) {
  const JsonPart name = part.at("behavior");
  std::optional<Behaviour> behaviour;
  for (const auto& [known, value] : kBehaviours)
    if (name.text() == known) behaviour = value;
  if (!behaviour)
    name.refuse("bad-value",
                "must be Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
  const bool invert = part.boolean("invert", false);
  if (behaviour == Behaviour::isolated && is_llama3_pattern(part.at("pattern")))
    return std::make_unique<Llama3Split>();
  return std::make_unique<PatternSplit>(make_text_pattern(part), *behaviour, invert);
}

}  // namespace engine
