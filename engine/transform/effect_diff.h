// SPDX-License-Identifier: GPL-3.0-or-later
// How two transforms differ in what they do to each layer. Spelling does not count.
#pragma once

#include "engine/transform/transform_plan.h"

#include <optional>
#include <string>
#include <vector>

namespace engine {

/// What a transform does to a model.
struct TransformEffect {
  std::vector<std::string> layers;  ///< all that could be transformed, in module order
  TransformPlan plan;               ///< a layer without an assignment is plain
  std::vector<ParadigmInfo> infos;  ///< of the paradigms in it

  const Assignment* find(const std::string& layer) const;  ///< null: the layer stays plain
};

/// A parameter of a layer in both.
struct ValueChange {
  std::string parameter;
  std::string from;  ///< as it takes effect; empty: the paradigm there has no such parameter
  std::string to;
};

/// "optical_transformer (q_levels 16)": the paradigm and the values that are not what it takes by
/// itself; "plain" for a layer that stays as it is.
std::string effect_text(const Assignment* assignment, const std::vector<ParadigmInfo>& infos);

/// Layers that change in the same way.
struct EffectChange {
  std::vector<std::string> layers;
  std::string layers_text;    ///< "all 22 mlp.*_proj"
  std::string from_paradigm;  ///< empty: plain
  std::string to_paradigm;
  std::vector<ValueChange> values;  ///< of the same paradigm those that differ, else those of `to`,
                                    ///< or of `from` where `to` is plain, that are not defaults
  std::string text;  ///< "q_levels 256 → 64", "plain → optical_transformer (q_levels 16)"
};

/// Empty when both do the same to every layer they share.
struct EffectDiff {
  std::vector<EffectChange> changes;      ///< by the first layer of each
  std::vector<std::string> only_in_base;  ///< layers that the other model does not have
  std::vector<std::string> only_in_other;

  bool is_empty() const { return changes.empty() && only_in_base.empty() && only_in_other.empty(); }
};

EffectDiff diff_effects(const TransformEffect& base, const TransformEffect& other);

/// A name that chooses noise or a pattern and nothing else: its own meaning is to be different.
bool is_seed_parameter(const std::string& name);
/// SHA-256 of what the transform does, as transform_digest(), but for its seeds.
std::string digest_without_seeds(const TransformPlan& plan);
/// The seeds that stand in the rules, "" without any: which noise draw it is.
std::string seeds_text(const TransformPlan& plan);

}  // namespace engine
