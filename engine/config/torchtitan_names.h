// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace engine {

/// The name that torchtitan gives to a layer of Hugging Face's name ("layers.0.attention.wq" for
/// "model.layers.0.self_attn.q_proj"), or "" when it has none. Such names exist only at the edge,
/// on import.
std::string torchtitan_name(const std::string& layer);

}  // namespace engine
