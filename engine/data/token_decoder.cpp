// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/token_decoder.h"

#include "engine/data/byte_alphabet.h"
#include "engine/data/json_part.h"
#include "engine/data/metaspace.h"
#include "engine/data/normalizer.h"
#include "engine/utf8.h"

#include <charconv>
#include <optional>

namespace engine {
namespace {

using Tokens = std::vector<std::string>;

class ByteLevelDecoder : public TokenDecoder {
 public:
  void apply(Tokens& tokens, RegexScratch&) const override {
    std::string bytes;
    for (const std::string& token : tokens)
      bytes += ByteAlphabet::get().read(token).value_or(token);
    tokens = {is_valid_utf8(bytes) ? std::move(bytes) : lossy_utf8(bytes)};
  }
};

// "<0x4A>": the byte that it names.
std::optional<char> named_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  std::string_view digits = token.substr(3, 2);
  if (digits[0] == '+') digits.remove_prefix(1);
  unsigned value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return static_cast<char>(value);
}

class ByteFallbackDecoder : public TokenDecoder {
 public:
  void apply(Tokens& tokens, RegexScratch&) const override {
    Tokens result;
    std::string bytes;
    const auto flush = [&] {
      if (is_valid_utf8(bytes)) {
        if (!bytes.empty()) result.push_back(bytes);
      } else {
        for (std::size_t i = 0; i < bytes.size(); ++i) result.emplace_back("\uFFFD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const std::optional<char> byte = named_byte(token)) {
        bytes += *byte;
      } else {
        flush();
        result.push_back(std::move(token));
      }
    }
    flush();
    tokens = std::move(result);
  }
};

class FuseDecoder : public TokenDecoder {
 public:
  void apply(Tokens& tokens, RegexScratch&) const override {
    std::string all;
    for (const std::string& token : tokens) all += token;
    tokens = {std::move(all)};
  }
};

class StripDecoder : public TokenDecoder {
 public:
  StripDecoder(std::string content, std::int64_t start, std::int64_t stop)
      : content_(std::move(content)), start_(start), stop_(stop) {}

  void apply(Tokens& tokens, RegexScratch&) const override {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (std::int64_t i = 0; i < start_ && rest.starts_with(content_); ++i)
        rest.remove_prefix(content_.size());
      for (std::int64_t i = 0; i < stop_ && rest.ends_with(content_); ++i)
        rest.remove_suffix(content_.size());
      token = std::string(rest);
    }
  }

 private:
  std::string content_;  // one character
  std::int64_t start_;
  std::int64_t stop_;
};

class ReplaceDecoder : public TokenDecoder {
 public:
  ReplaceDecoder(TextPattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void apply(Tokens& tokens, RegexScratch& scratch) const override {
    for (std::string& token : tokens) {
      std::string result;
      pattern_.segments(token, scratch, [&](TextRange range, bool is_match) {
        if (is_match)
          result += content_;
        else
          result.append(token, range.begin, range.end - range.begin);
      });
      token = std::move(result);
    }
  }

 private:
  TextPattern pattern_;
  std::string content_;
};

class MetaspaceDecoder : public TokenDecoder {
 public:
  explicit MetaspaceDecoder(MetaspaceOptions options) : options_(std::move(options)) {}

  void apply(Tokens& tokens, RegexScratch&) const override {
    const std::string& mark = options_.replacement;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const bool drop = i == 0 && options_.prepend != MetaspaceOptions::Prepend::never;
      std::string result;
      for (std::size_t at = 0; at < tokens[i].size();) {
        const std::size_t found = std::min(tokens[i].find(mark, at), tokens[i].size());
        result.append(tokens[i], at, found - at);
        if (found < tokens[i].size() && !drop) result += ' ';
        at = found + mark.size();
      }
      tokens[i] = std::move(result);
    }
  }

 private:
  MetaspaceOptions options_;
};

class DecoderSequence : public TokenDecoder {
 public:
  explicit DecoderSequence(std::vector<std::unique_ptr<TokenDecoder>> steps)
      : steps_(std::move(steps)) {}
  void apply(Tokens& tokens, RegexScratch& scratch) const override {
    for (const auto& step : steps_) step->apply(tokens, scratch);
  }

 private:
  std::vector<std::unique_ptr<TokenDecoder>> steps_;
};

std::unique_ptr<TokenDecoder> make_strip(const JsonPart& part) {
  const std::string content = part.text("content");
  if (content.empty() || decode_utf8(content, 0).length != content.size())
    part.at("content").refuse("bad-value", "must be one character");
  return std::make_unique<StripDecoder>(content, part.at("start").integer(0, INT32_MAX),
                                        part.at("stop").integer(0, INT32_MAX));
}

}  // namespace

std::unique_ptr<TokenDecoder> make_decoder(const JsonPart& part) {
  const std::string type = part.text("type");
  if (type == "ByteLevel") return std::make_unique<ByteLevelDecoder>();
  if (type == "ByteFallback") return std::make_unique<ByteFallbackDecoder>();
  if (type == "Fuse") return std::make_unique<FuseDecoder>();
  if (type == "Strip") return make_strip(part);
  if (type == "Replace")
    return std::make_unique<ReplaceDecoder>(make_text_pattern(part), part.text("content"));
  if (type == "Metaspace") return std::make_unique<MetaspaceDecoder>(MetaspaceOptions(part));
  if (type == "Sequence") {
    std::vector<std::unique_ptr<TokenDecoder>> steps;
    part.at("decoders").for_each([&](const JsonPart& step) {
      steps.push_back(make_decoder(step));
    });
    return std::make_unique<DecoderSequence>(std::move(steps));
  }
  part.at("type").refuse(
      "unsupported-tokenizer", "names a decoder that is not supported",
      "ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace and Sequence are");
}

}  // namespace engine
