// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/transform/transform_plan.h"

#include <string>
#include <vector>

namespace engine {

/// A number format that a rule leaves open, so that it is the compute dtype.
struct FollowedFormat {
  int rule = 0;  ///< index into TransformConfig::rules
  std::string parameter;
  std::string format;  ///< "fp32"; empty where the plan was made without knowing
};

/// Of the rules that win a layer, in file order; parameters in schema order.
std::vector<FollowedFormat> followed_formats(const TransformPlan& plan);

/// As comment lines of a YAML file, empty without any:
/// "# formats that follow the compute dtype\n#   lm_head: storage_dtype fp32\n".
std::string followed_formats_comment(const TransformPlan& plan, const TransformConfig& config);

}  // namespace engine
