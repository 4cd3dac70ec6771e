// SPDX-License-Identifier: GPL-3.0-or-later
// What a sensitivity scan looks at, how its results are ranked, and what follows from them.
#pragma once

#include "engine/transform/transform_plan.h"
#include "engine/trial/transform_trial.h"

#include <cstdint>
#include <string>
#include <vector>

namespace engine {

/// The transformed layers of `plan`, one by one and by kind, as far as `options` want them: kinds
/// first, then layers in module order. A kind of a single layer is that layer and not listed.
/// Shares of FLOPs are those at `sequence` tokens.
std::vector<ScanEntry> scan_entries(const LayerInventory& inventory, const TransformPlan& plan,
                                    const ScanOptions& options, std::int64_t sequence);

/// What a layer is within its block: "mlp.down_proj", "self_attn"; outside of blocks its name.
std::string kind_within_block(const std::string& layer);

/// What an entry costs: one_off where it was measured, else one_on; infinite when it diverges; NaN
/// when nothing is known.
double cost_of(const ScanEntry& entry);

/// The most fragile first: by one_on where that was measured, else by cost_of(). Entries without
/// numbers come last, equal ones stay in their order.
std::vector<ScanEntry> ranked(std::vector<ScanEntry> entries);

/// The layers that cost most, among those whose cost is told from 0, until nine tenths of what all
/// of these cost are won or the next one would exceed the budget (which one that does not fit does
/// not end: smaller ones may follow). In module order. Empty when none stands out.
std::vector<std::string> layers_to_keep(const std::vector<ScanEntry>& entries, double flops_budget);

}  // namespace engine
