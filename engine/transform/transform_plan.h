// SPDX-License-Identifier: GPL-3.0-or-later
// Plan, then apply: what a configuration does to a model, computed from names alone. Pure and
// torch-free, so the preview in the workbench, `paradigm plan` and the pass itself give the same
// verdict.
#pragma once

#include "engine/config/transform_config.h"
#include "engine/transform/layer_inventory.h"
#include "engine/transform/paradigm_info.h"
#include "engine/transform/transform_histogram.h"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace engine {

enum class Outcome {
  transformed,
  left_alone,        ///< the winning rule is null
  kind_not_handled,  ///< the winning rule's paradigm cannot replace this kind of layer: it stays
                     ///< plain
  unmatched,         ///< no rule and no default: an error
};

const char* to_string(Outcome outcome);

struct Assignment {
  std::string layer;
  LayerKind kind = LayerKind::linear;
  Outcome outcome = Outcome::unmatched;
  int rule = -1;                ///< index into TransformConfig::rules, -1 when unmatched
  std::string paradigm;         ///< id when transformed
  std::string paradigm_digest;  ///< ParadigmInfo::digest when transformed
  ParamValues values;  ///< what takes effect: defaults filled in, values snapped, formats resolved
  ParamValues requested;              ///< the same before snapping and resolving
  std::vector<std::string> followed;  ///< parameters that are the compute dtype, being left open
  std::vector<int> trail;  ///< every rule that matches by pattern, in file order; the winner is its
                           ///< first, or default
};

struct RuleCounts {
  int matched =
      0;        ///< candidates that the pattern fully matches (for `default`: the layers it wins)
  int won = 0;  ///< candidates for which it is the first
  int shadowed = 0;  ///< matched - won
  std::vector<int> shadowed_by;
};

struct TransformPlan {
  std::vector<Assignment> assignments;  ///< one per candidate layer, in module order
  std::vector<RuleCounts> counts;       ///< one per rule
  /// One per rule: what its pattern is read as, where a file is written in torchtitan's names (a full
  /// pretraining file, or patterns none of which matches here); "" = as written. Lint other-naming.
  std::vector<std::string> translated;
  TransformHistogram histogram;
  std::vector<Problem>
      problems;  ///< the lints and errors of planning; parse problems are not repeated

  const Assignment* find(const std::string& layer) const;
  /// Layers in order of replacement: all attentions in layer order, then all Linears in module
  /// order.
  std::vector<const Assignment*> replacements() const;
};

/// `infos`: the built-in paradigms; those that the configuration brings along are known as well.
/// `compute_dtype`, "fp32" or "bf16", is what takes effect where a format that follows it is unset;
/// empty where it is not known yet: such values stay unset.
TransformPlan plan_transform(const LayerInventory& inventory, const TransformConfig& config,
                             const std::vector<ParadigmInfo>& infos,
                             const std::string& compute_dtype = "");

/// The same for a worker: nothing once `stop` is requested, which is asked at every rule. The time
/// of all patterns together is bounded; one that backtracks too much is a problem ("bad-pattern").
std::optional<TransformPlan> plan_transform(const LayerInventory& inventory,
                                            const TransformConfig& config,
                                            const std::vector<ParadigmInfo>& infos,
                                            const std::string& compute_dtype,
                                            const std::stop_token& stop);

/// SHA-256 over the resolved transform (layer, paradigm, its digest, effective values), hex. Two
/// spellings of the same effect agree.
std::string transform_digest(const TransformPlan& plan);

}  // namespace engine
