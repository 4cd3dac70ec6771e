// SPDX-License-Identifier: GPL-3.0-or-later
// Which runs would complete a comparison.
#pragma once

#include "engine/compare/run_comparison.h"

#include <cstdint>
#include <filesystem>
#include <set>
#include <vector>

namespace engine {

/// A run that is not there: like another one, with another training seed.
struct MissingReplica {
  std::size_t group = 0;
  std::size_t like = 0;  ///< the run that it repeats
  std::int64_t seed = 0;
  std::filesystem::path output_dir;  ///< beside that run; nothing is there
};

/// Seeds that would be new to all.
struct FurtherSeeds {
  std::int64_t count = 0;
  std::set<std::size_t> groups;  ///< that would get them
};

/// What would make a difference of the main metric tell: the fewest further seeds that any verdict
/// asks for, at most 12, for the baseline's group and the groups that ask for so few; two where
/// there is but one seed. None when nothing is worth it.
FurtherSeeds seeds_worth_adding(const RunComparison& comparison);

/// The seeds that other groups have and a group lacks; where all have the same, the further ones,
/// counted on from the greatest. Groups whose runs have no run.yaml, or no seed, are left out.
std::vector<MissingReplica> missing_replicas(const std::vector<const ComparableRun*>& runs,
                                             const RunComparison& comparison,
                                             const FurtherSeeds& further = {});

/// What trains the replica: the parameters of the run that it repeats, its files by the paths where
/// they are now, and the transform as that run recorded it.
ParamValues values_of(const MissingReplica& replica, const ComparableRun& like);

}  // namespace engine
