// SPDX-License-Identifier: GPL-3.0-or-later
// Hand-written forms of the two patterns that nearly every byte-level tokenizer uses; tested to
// agree with PCRE2.
#pragma once

#include <string_view>

namespace engine {

/// The pattern of ByteLevel's use_regex (GPT-2).
extern const std::string_view kGpt2Pattern;
/// The pattern of Llama-3's Split.
extern const std::string_view kLlama3Pattern;

/// Length in bytes of the next word of `rest` (not empty, valid UTF-8). The words of a text cover
/// it without gaps. `classes` is char_classes().
std::size_t next_gpt2_word(std::string_view rest, const unsigned char* classes);
std::size_t next_llama3_word(std::string_view rest, const unsigned char* classes);

}  // namespace engine
