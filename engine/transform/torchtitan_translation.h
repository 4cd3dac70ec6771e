// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace engine {

struct TranslatedPattern {
  std::string pattern;     ///< "" when the original matches no torchtitan name of these layers
  bool is_listed = false;  ///< not the original's words, but a pattern made for the same layers
};

/// A pattern over torchtitan's names as one over the checkpoint's, which selects exactly the layers
/// whose torchtitan names the original selects: word by word (`attention\.wq` →
/// `self_attn\.q_proj`), and where that does not do it, a pattern for just these layers. Never a
/// guess.
TranslatedPattern translate_pattern(const std::string& pattern, bool use_regex,
                                    const std::vector<std::string>& layers);

}  // namespace engine
