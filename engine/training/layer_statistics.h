// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama.h"
#include "engine/runs/run_event.h"

#include <vector>

namespace engine {

/// What the layers measured on the last sampled step, in module order: one copy from the device,
/// however many there are. `gradient_norms`: see Llama::statistics().
std::vector<LayerStat> layer_statistics(Llama& model, const at::Tensor& gradient_norms = {});

}  // namespace engine
