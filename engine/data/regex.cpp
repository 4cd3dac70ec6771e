// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/data/regex_pattern.h"
#include "engine/error.h"
#include "engine/utf8.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <stdexcept>

namespace engine {
namespace {

constexpr std::size_t kMatchLimit = 2'000'000;  // and a few steps for every byte of the text
constexpr std::size_t kMatchStepsPerByte = 16;
constexpr std::size_t kMatchLimitMost = 2'000'000'000;
constexpr std::uint32_t kHeapLimitKib = 64 * 1024;
constexpr std::size_t kJitStackStart = std::size_t{32} * 1024;
constexpr std::size_t kJitStackMost = std::size_t{32} * 1024 * 1024;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using MatchData = std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Freed<pcre2_jit_stack_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Freed<pcre2_compile_context_free>>;
using CompiledCode = std::unique_ptr<pcre2_code, Freed<pcre2_code_free>>;

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

struct RegexScratch::Impl {
  MatchData data{pcre2_match_data_create(1, nullptr)};
  MatchContext context{pcre2_match_context_create(nullptr)};
  JitStack stack{pcre2_jit_stack_create(kJitStackStart, kJitStackMost, nullptr)};
};

RegexScratch::RegexScratch() : impl_(std::make_unique<Impl>()) {
  if (!impl_->data || !impl_->context) throw std::bad_alloc();
  pcre2_set_heap_limit(impl_->context.get(), kHeapLimitKib);
  if (impl_->stack) pcre2_jit_stack_assign(impl_->context.get(), nullptr, impl_->stack.get());
}
RegexScratch::~RegexScratch() = default;
RegexScratch::RegexScratch(RegexScratch&&) noexcept = default;
RegexScratch& RegexScratch::operator=(RegexScratch&&) noexcept = default;

struct Regex::Code {
  CompiledCode compiled;
};

Regex::Regex(std::string_view pattern) : pattern_(pattern), code_(std::make_unique<Code>()) {
  const std::string translated = pcre2_pattern(pattern);
  CompileContext context{pcre2_compile_context_create(nullptr)};
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE where = 0;
  code_->compiled.reset(pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
      PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &where, context.get()));
  if (!code_->compiled) throw std::invalid_argument(message_of(error));
  pcre2_jit_compile(code_->compiled.get(),
                    PCRE2_JIT_COMPLETE);  // without JIT the interpreter gives the same matches
}
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

std::optional<TextRange> Regex::search(std::string_view subject, std::size_t from,
                                       RegexScratch& scratch) const {
  RegexScratch::Impl& work = *scratch.impl_;
  const std::size_t limit =
      std::min(kMatchLimit + kMatchStepsPerByte * subject.size(), kMatchLimitMost);
  pcre2_set_match_limit(work.context.get(), static_cast<std::uint32_t>(limit));
  const int count =
      pcre2_match(code_->compiled.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                  subject.size(), from, PCRE2_NO_UTF_CHECK, work.data.get(), work.context.get());
  if (count == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (count < 0)
    fail("pattern-limit", {},
         fmt::format("the tokenizer's pattern {} needs too many steps on a text of {} bytes: {}",
                     pattern_, subject.size(), message_of(count)),
         "Use a tokenizer.json whose pattern does not backtrack without bound");
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(work.data.get());
  // \K inside a look-around could put the start behind the end; pcre2_pattern refuses it.
  return TextRange{ends[0], ends[1]};
}

TextPattern TextPattern::literal(std::string text) {
  if (text.empty()) throw std::invalid_argument("the pattern is an empty string");
  return TextPattern(std::move(text));
}

void TextPattern::segments(std::string_view subject, RegexScratch& scratch,
                           const SegmentFunction& take) const {
  if (subject.empty()) return;
  std::size_t done = 0;
  const auto emit = [&](TextRange match) {
    if (match.begin > done) take({done, match.begin}, false);
    take(match, true);
    done = match.end;
  };
  if (const std::string* text = std::get_if<std::string>(&kind_)) {
    for (std::size_t at = subject.find(*text); at != std::string_view::npos;
         at = subject.find(*text, done))
      emit({at, at + text->size()});
  } else {
    const Regex& regex = std::get<Regex>(kind_);
    std::size_t from = 0;
    std::optional<std::size_t> last_end;
    while (from <= subject.size()) {
      const std::optional<TextRange> match = regex.search(subject, from, scratch);
      if (!match) break;
      if (match->begin == match->end && last_end == match->end) {
        // An empty match right behind a match does not count, as in the library we follow.
        from += from < subject.size() ? decode_utf8(subject, from).length : 1;
        continue;
      }
      from = match->end;
      last_end = match->end;
      emit(*match);
    }
  }
  if (done < subject.size()) take({done, subject.size()}, false);
}

}  // namespace engine
