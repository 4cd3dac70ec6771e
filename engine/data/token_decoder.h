// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace engine {

class JsonPart;
class RegexScratch;

/// One step, or a sequence of steps, of the "decoder" section: rewrites the list of tokens whose
/// concatenation is the text. Immutable; any thread.
class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  virtual void apply(std::vector<std::string>& tokens, RegexScratch& scratch) const = 0;
};

/// ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace and Sequence; Error naming any other
/// type.
std::unique_ptr<TokenDecoder> make_decoder(const JsonPart& part);

}  // namespace engine
