// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace engine {

/// How the architecture `model_type` of a config.json differs from Llama, as the end of a sentence
/// ("normalises queries and keys"); empty when we do not know it.
std::string how_it_differs(const std::string& model_type);

}  // namespace engine
