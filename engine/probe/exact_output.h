// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/probe/probe_tensors.h"

namespace engine {

/// The operation without any hardware, in double precision on the CPU.
at::Tensor exact_output(const ProbeConfig& config, const ProbeInputs& inputs);

}  // namespace engine
