// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/comparable_run.h"

#include <string>
#include <vector>

namespace engine {

/// A setting in which the runs differ.
struct ConfigColumn {
  std::string name;
  bool is_transform = false;        ///< a parameter of the transform's rules, else of the run
  std::vector<std::string> values;  ///< one per run; "–" where a run has no such setting
};

/// A run parameter that says where and how a run is kept or watched, and not what it computes.
bool is_bookkeeping(const std::string& parameter);

/// The transform first, then rule parameters that a run sets to one value in all its layers
/// ("mixed" otherwise), then run parameters. Bookkeeping, what is equal everywhere, and runs that
/// say nothing of the kind are left out.
std::vector<ConfigColumn> differing_columns(const std::vector<const ComparableRun*>& runs);

/// Names only what differs: "optical q_levels=64 seed=2"; "" for equal runs.
std::vector<std::string> differing_labels(const std::vector<ConfigColumn>& columns,
                                          std::size_t runs);

}  // namespace engine
