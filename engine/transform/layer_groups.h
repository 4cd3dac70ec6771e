// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace engine {

/// A set of layers in few words: "all 22 mlp.*_proj", "2 self_attn.q_proj in blocks 0–1",
/// "lm_head". `all` are the layers there are, in module order; every one of `layers` is among them.
/// "" of none.
std::string layers_text(const std::vector<std::string>& layers,
                        const std::vector<std::string>& all);

}  // namespace engine
