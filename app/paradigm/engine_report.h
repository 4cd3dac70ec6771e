// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/paradigm/output.h"
#include "engine/api.h"

#include <string>

namespace paradigm {

/// eval_loss, perplexity, eval_tokens, eval_runtime as Hugging Face names them, then what was
/// measured and the notes.
Json json_of(const engine::EvalResult& result);
std::string text_of(const engine::EvalResult& result);

Json json_of(const engine::DeviceReport& report);
std::string text_of(const engine::DeviceReport& report);

}  // namespace paradigm
