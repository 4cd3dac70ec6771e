// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold of the folder of a run whose process was killed, whatever the moment.
#pragma once

#include "engine/runs/run_record.h"

#include <cstdint>
#include <filesystem>

namespace tests {

/// Every logged step once, none left out, up to the newest.
void expect_gapless(const engine::RunRecord& record);

/// The folder opens, no step is lost or doubled, every checkpoint that has its name is whole, and
/// the state is that of the run: finished with its model, or interrupted, with the reason where
/// somebody saw it.
void expect_truth(const std::filesystem::path& run_dir);

/// Weights, optimizer, simulation state and recorded curve agree bit by bit after `steps` logged
/// steps, with a checkpoint at the last.
void expect_same_end(const std::filesystem::path& one, const std::filesystem::path& other,
                     std::int64_t steps);

}  // namespace tests
