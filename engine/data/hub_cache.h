// SPDX-License-Identifier: GPL-3.0-or-later
// Finds models, tokenizers and data sets that Hugging Face's own clients have already downloaded.
// Reads only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace engine {

enum class HubKind { model, dataset };

/// HF_HUB_CACHE, else $HF_HOME/hub, else ${XDG_CACHE_HOME:-~/.cache}/huggingface/hub.
std::filesystem::path hub_cache_dir();

/// A folder as given, or the snapshot folder of a hub name ("org/name", revision "main" unless
/// given) in the local cache. Throws Error that prints the exact command that downloads it when it
/// is not there.
std::filesystem::path resolve_hub_path(const std::string& name_or_path, HubKind kind,
                                       const std::string& revision = "main");

}  // namespace engine
