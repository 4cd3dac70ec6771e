// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama_config.h"

#include <optional>
#include <string>
#include <vector>

namespace engine {

/// One size of the CLM family: Llama-3 blocks over the cosmo2 vocabulary, plain rotary positions,
/// untied head.
struct ClmFlavour {
  std::string name;  ///< "debug", "60M", "200M", "400M", "600M", "1.1B"
  LlamaConfig config;
};

/// By size, smallest first.
const std::vector<ClmFlavour>& clm_family();

/// The configuration of "60M", "clm-60m" or "AICrossSim/clm-60m": upper and lower case are the
/// same. Nothing for another name.
std::optional<LlamaConfig> find_clm_config(const std::string& name);

/// What `--config_name` takes: a flavour of the family, a config.json or a folder with one. Throws
/// Error that lists the flavours when it is none of these.
LlamaConfig named_llama_config(const std::string& name_or_path);

}  // namespace engine
