// SPDX-License-Identifier: GPL-3.0-or-later
// --rope: whether the rotary positions are those that config.json describes or those of the
// training.
#pragma once

#include "engine/model/llama_config.h"

#include <string>
#include <vector>

namespace engine {

/// The pattern that the CLM family's exporter leaves behind: llama3 scaling over θ 10000, although
/// training had none.
bool has_exported_rope_scaling(const LlamaConfig& config);

/// `rope` is "config" (honour config.json, as transformers does) or "as_trained" (leave out the
/// scaling that the exporter added). What a user must know goes to `notes`. Throws Error when
/// "as_trained" meets a scaling that is not the exporter's. `file` is the config.json.
void choose_rope(LlamaConfig& config, const std::string& rope, const std::string& file,
                 std::vector<std::string>& notes);

}  // namespace engine
