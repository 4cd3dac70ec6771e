// SPDX-License-Identifier: GPL-3.0-or-later
// What `paradigm bench` measured, as text and as JSON that a later run compares itself with.
#pragma once

#include "app/paradigm/output.h"
#include "engine/api.h"

#include <optional>
#include <string>
#include <vector>

namespace paradigm {

/// Step times of an earlier run, from its JSON.
struct EarlierBench {
  std::string file;
  std::vector<std::pair<std::string, std::string>> conditions;  ///< model, shape, device, ...
  std::vector<std::pair<std::string, double>> step_seconds;     ///< median by variant
};

Json json_of(const engine::BenchResult& result);
std::string text_of(const engine::BenchResult& result,
                    const std::optional<EarlierBench>& earlier = std::nullopt);

/// Throws engine::Error naming the file when it is not what json_of() makes.
EarlierBench read_earlier_bench(const std::string& file);

/// One note for each condition that differs, so that a ratio is not taken for more than it is.
std::vector<std::string> differences(const engine::BenchResult& now, const EarlierBench& earlier);

}  // namespace paradigm
