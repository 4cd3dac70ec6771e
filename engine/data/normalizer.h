// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/regex.h"

#include <memory>
#include <string>

namespace engine {

class JsonPart;

/// Text being rewritten, and how much of its start stems from the start of the input (see
/// TextPiece::origin).
struct NormalizedText {
  std::string text;
  std::size_t origin = 0;
};

/// One step, or a sequence of steps, of the "normalizer" section. Immutable; any thread.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(NormalizedText& text, RegexScratch& scratch) const = 0;
};

/// Prepend, Replace (string or regex) and Sequence; Error naming any other type.
std::unique_ptr<Normalizer> make_normalizer(const JsonPart& part);

/// "pattern": {"String": …} or {"Regex": …} of `part`; Error when it cannot be used.
TextPattern make_text_pattern(const JsonPart& part);

}  // namespace engine
