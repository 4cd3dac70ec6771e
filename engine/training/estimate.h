// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

namespace engine {

/// EngineApi::estimate. See engine/api.h for the contract.
CostEstimate estimate(const RunConfig& config, const EstimateOptions& options,
                      const ProgressFunction& on_progress);

/// The next smaller micro-batch, and its accumulation, of the same global batch; {0, 0} when there
/// is none.
std::pair<std::int64_t, std::int64_t> smaller_micro_batch(std::int64_t batch_size,
                                                          std::int64_t accumulation);

}  // namespace engine
