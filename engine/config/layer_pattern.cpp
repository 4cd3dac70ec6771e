// SPDX-License-Identifier: GPL-3.0-or-later
#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/config/layer_pattern.h"

#include <pcre2.h>

namespace engine {
namespace {

// Far above what any sane pattern needs on a layer name, and a few milliseconds of work.
constexpr std::uint32_t match_limit = 50'000;
constexpr std::uint32_t quick_match_limit = 2'000;
constexpr std::uint32_t depth_limit = 10'000;
constexpr std::uint32_t heap_limit_kib = 16 * 1024;
constexpr std::size_t longest_pattern = std::size_t{32} * 1024;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeCompileContext {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

std::string error_text(int number) {
  PCRE2_UCHAR buffer[256];
  if (pcre2_get_error_message(number, buffer, sizeof buffer) < 0) return "unknown error";
  return reinterpret_cast<const char*>(buffer);
}

PCRE2_SPTR bytes(const std::string& text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

struct LayerPattern::Code {
  std::unique_ptr<pcre2_code, FreeCode> compiled;
  std::unique_ptr<pcre2_match_context, FreeMatchContext> limits;
  std::unique_ptr<pcre2_match_context, FreeMatchContext> quick_limits;
};

LayerPattern::LayerPattern(std::string text, bool use_regex)
    : text_(std::move(text)), use_regex_(use_regex) {
  if (!use_regex_) return;
  const std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(
      pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_max_pattern_length(context.get(), longest_pattern);
  constexpr std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
                                    PCRE2_NEVER_BACKSLASH_C | PCRE2_ALT_BSUX;
  int number = 0;
  PCRE2_SIZE offset = 0;
  auto code = std::make_shared<Code>();
  code->compiled.reset(
      pcre2_compile(bytes(text_), text_.size(), options, &number, &offset, context.get()));
  if (!code->compiled) {
    error_ = error_text(number);
    error_offset_ = offset;
    return;
  }
  const auto limits = [](std::uint32_t most_matches) {
    std::unique_ptr<pcre2_match_context, FreeMatchContext> made(
        pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(made.get(), most_matches);
    pcre2_set_depth_limit(made.get(), depth_limit);
    pcre2_set_heap_limit(made.get(), heap_limit_kib);
    return made;
  };
  code->limits = limits(match_limit);
  code->quick_limits = limits(quick_match_limit);
  code_ = std::move(code);
}

LayerPattern::Result LayerPattern::match(const std::string& name) const {
  return match(name, false);
}

LayerPattern::Result LayerPattern::match_quickly(const std::string& name) const {
  return match(name, true);
}

LayerPattern::Result LayerPattern::match(const std::string& name, bool quickly) const {
  if (!use_regex_) return name == text_ ? Result::match : Result::no_match;
  if (!code_) return Result::no_match;
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(pcre2_match_data_create(1, nullptr));
  const int result = pcre2_match(code_->compiled.get(), bytes(name), name.size(), 0, 0, data.get(),
                                 (quickly ? code_->quick_limits : code_->limits).get());
  if (result >= 0) return Result::match;
  return result == PCRE2_ERROR_NOMATCH ||
                 (result <= PCRE2_ERROR_UTF8_ERR1 && result >= PCRE2_ERROR_UTF8_ERR21)
             ? Result::no_match
             : Result::gave_up;
}

}  // namespace engine
