// SPDX-License-Identifier: GPL-3.0-or-later
// A grid of transforms: the rules of one file, some parameters set to each of several values.
#pragma once

#include "engine/config/transform_config.h"
#include "engine/transform/paradigm_info.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// One --sweep: a parameter and its values, as written.
struct SweepAxis {
  std::string parameter;
  std::vector<std::string> values;
};

/// "q_levels=4,16,256"; a comma inside brackets belongs to a pair:
/// "q_quantiles=null,[0.001,0.999]". Throws Error naming the flag --sweep. Parameters and values
/// are checked by sweep_points().
SweepAxis parse_sweep_axis(const std::string& text);

struct SweepSetting {
  std::string parameter;
  std::string value;      ///< as written
  std::string effective;  ///< what it becomes in the rules: a probability may be snapped
};

/// One cell of the grid.
struct SweepPoint {
  std::vector<SweepSetting> settings;  ///< in the order of the axes
  TransformConfig config;
};

/// "q_levels=16 noise=false"; "" without settings.
std::string label_of(const std::vector<SweepSetting>& settings);

/// Every combination, the last axis fastest; without axes the one point that is `base` itself. A
/// value goes to every rule whose paradigm has the parameter, in place of a schedule too. Throws
/// Error with all problems: a parameter that no rule's paradigm has, values against the schema, a
/// parameter named twice.
std::vector<SweepPoint> sweep_points(const TransformConfig& base,
                                     const std::vector<SweepAxis>& axes,
                                     const std::vector<ParadigmInfo>& built_in);

/// `config` as upstream's shipped code would compute it: `semantics: reference` in every rule whose
/// paradigm has it. Nothing when no rule changes. Those semantics know no run seed, so draw number
/// `draw` moves the seeds in the rules instead, far enough apart that the seeds a layer counts
/// through do not meet; draw 0 keeps them.
std::optional<TransformConfig> with_reference_semantics(const TransformConfig& config,
                                                        const std::vector<ParadigmInfo>& built_in,
                                                        std::int64_t draw);

}  // namespace engine
