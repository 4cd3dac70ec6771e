// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/statistics/probe_report.h"
#include "engine/transform/paradigm_info.h"

#include <string>

namespace engine {

/// The rule that fits a measurement as a transform file with one rule, `default`: what was given,
/// and what was fitted, so that a layer of `kind` computes as simulated. Its comments say what it
/// was fitted to and how well.
std::string fitted_rule_yaml(const ParadigmInfo& info, LayerKind kind, const ProbeReport& report);

}  // namespace engine
