// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/transform_config.h"
#include "engine/scripted/scripted_file.h"
#include "engine/scripted/scripted_search.h"
#include "engine/transform/paradigm.h"

#include <memory>
#include <vector>

namespace engine {

/// A TorchScript file as a paradigm. Throws Error when LibTorch cannot load it.
std::shared_ptr<Paradigm> make_scripted_paradigm(ScriptedFilePtr file);

/// The tensor half of a choice. Throws Error as make_scripted_paradigm().
std::shared_ptr<const Paradigm> paradigm_of(const ParadigmChoice& choice);

/// Every paradigm that a rule of `config` may name: the built-in ones and those it brings along.
std::vector<std::shared_ptr<Paradigm>> paradigms_for(const TransformConfig& config);

}  // namespace engine
