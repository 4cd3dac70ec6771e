// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/pre_tokenizer.h"

#include <memory>

namespace engine {

/// The Split pre-tokenizer: a string or regex, a behaviour (Removed, Isolated, MergedWithPrevious,
/// MergedWithNext, Contiguous) and invert. Llama-3's pattern runs hand-written. Error for what
/// cannot be used.
std::unique_ptr<PreTokenizer> make_split(const JsonPart& part);

}  // namespace engine
