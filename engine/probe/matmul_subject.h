// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/probe/probe_subject.h"

namespace engine {

/// a·b as Linears: each matrix of a batched b is the weight of a layer of its own, named LAYER,
/// LAYER.1, LAYER.2 …, and all share one set of ranges. Throws Error for shapes that do not fit.
std::unique_ptr<ProbeSubject> make_matmul_subject(const Paradigm& paradigm,
                                                  const ParamValues& values,
                                                  const ProbeConfig& config,
                                                  const ProbeInputs& inputs);

}  // namespace engine
