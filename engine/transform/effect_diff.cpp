// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/effect_diff.h"

#include "engine/digest.h"
#include "engine/transform/layer_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace engine {
namespace {

using Effects = std::unordered_map<std::string, const Assignment*>;

Effects effects_of(const TransformEffect& effect) {
  Effects effects;
  for (const Assignment& each : effect.plan.assignments) {
    if (each.outcome == Outcome::transformed) effects.emplace(each.layer, &each);
  }
  return effects;
}

const Assignment* look_up(const Effects& effects, const std::string& layer) {
  const auto found = effects.find(layer);
  return found == effects.end() ? nullptr : found->second;
}

/// The values of one layer that are not what the paradigm takes by itself.
std::vector<ValueChange> unusual_values(const Assignment& assignment,
                                        const std::vector<ParadigmInfo>& infos, bool is_to) {
  std::vector<ValueChange> values;
  const ParadigmInfo* info = find_paradigm(infos, assignment.paradigm);
  const ParamValues usual =
      info == nullptr ? ParamValues{} : info->effective_values({}, assignment.kind);
  for (const PlacedValue& entry : assignment.values.entries()) {
    const PlacedValue* other = usual.find(entry.name);
    if (other != nullptr && other->value == entry.value) continue;
    const std::string text = to_string(entry.value);
    values.push_back({entry.name, is_to ? "" : text, is_to ? text : ""});
  }
  return values;
}

std::vector<ValueChange> changed_values(const Assignment& from, const Assignment& to) {
  std::vector<ValueChange> values;
  for (const PlacedValue& entry : from.values.entries()) {
    const PlacedValue* other = to.values.find(entry.name);
    if (other == nullptr) {
      values.push_back({entry.name, to_string(entry.value), ""});
    } else if (!(other->value == entry.value)) {
      values.push_back({entry.name, to_string(entry.value), to_string(other->value)});
    }
  }
  for (const PlacedValue& entry : to.values.entries()) {
    if (!from.values.contains(entry.name))
      values.push_back({entry.name, "", to_string(entry.value)});
  }
  return values;
}

std::string values_text(const std::vector<ValueChange>& values) {
  std::vector<std::string> texts;
  for (const ValueChange& value : values) {
    const std::string& one = value.to.empty() ? value.from : value.to;
    texts.push_back(value.from.empty() || value.to.empty()
                        ? fmt::format("{} {}", value.parameter, one)
                        : fmt::format("{} {} → {}", value.parameter, value.from, value.to));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

bool is_same(const Assignment* a, const Assignment* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->paradigm == b->paradigm && a->paradigm_digest == b->paradigm_digest &&
         a->values.same_values(b->values);
}

EffectChange change_of(const TransformEffect& base, const Assignment* from,
                       const TransformEffect& other, const Assignment* to) {
  EffectChange change;
  if (from != nullptr) change.from_paradigm = from->paradigm;
  if (to != nullptr) change.to_paradigm = to->paradigm;
  if (from != nullptr && to != nullptr && from->paradigm == to->paradigm) {
    change.values = changed_values(*from, *to);
    change.text = values_text(change.values);
    if (from->paradigm_digest != to->paradigm_digest)
      change.text = fmt::format("{} has another file{}{}", to->paradigm,
                                change.text.empty() ? "" : ", ", change.text);
    return change;
  }
  change.values = to != nullptr ? unusual_values(*to, other.infos, true)
                                : unusual_values(*from, base.infos, false);
  change.text = fmt::format("{} → {}", from == nullptr ? "plain" : from->paradigm,
                            effect_text(to, other.infos));
  return change;
}

std::vector<std::string> missing_from(const std::vector<std::string>& layers,
                                      const std::vector<std::string>& others) {
  const std::unordered_set<std::string> known(others.begin(), others.end());
  std::vector<std::string> missing;
  for (const std::string& layer : layers) {
    if (known.find(layer) == known.end()) missing.push_back(layer);
  }
  return missing;
}

}  // namespace

const Assignment* TransformEffect::find(const std::string& layer) const {
  const Assignment* assignment = plan.find(layer);
  return assignment != nullptr && assignment->outcome == Outcome::transformed ? assignment
                                                                              : nullptr;
}

std::string effect_text(const Assignment* assignment, const std::vector<ParadigmInfo>& infos) {
  if (assignment == nullptr) return "plain";
  const std::string values = values_text(unusual_values(*assignment, infos, true));
  return values.empty() ? assignment->paradigm
                        : fmt::format("{} ({})", assignment->paradigm, values);
}

EffectDiff diff_effects(const TransformEffect& base, const TransformEffect& other) {
  EffectDiff diff;
  diff.only_in_base = missing_from(base.layers, other.layers);
  diff.only_in_other = missing_from(other.layers, base.layers);
  const Effects before = effects_of(base);
  const Effects after = effects_of(other);
  std::unordered_map<std::string, std::size_t> known;
  const std::unordered_set<std::string> shared(other.layers.begin(), other.layers.end());
  for (const std::string& layer : base.layers) {
    if (shared.find(layer) == shared.end()) continue;
    const Assignment* from = look_up(before, layer);
    const Assignment* to = look_up(after, layer);
    if (is_same(from, to)) continue;
    EffectChange change = change_of(base, from, other, to);
    const auto [found, is_new] = known.emplace(change.text, diff.changes.size());
    if (is_new) diff.changes.push_back(std::move(change));
    diff.changes[found->second].layers.push_back(layer);
  }
  for (EffectChange& change : diff.changes)
    change.layers_text = layers_text(change.layers, base.layers);
  return diff;
}

bool is_seed_parameter(const std::string& name) {
  return ("_" + name + "_").find("_seed_") != std::string::npos;
}

std::string digest_without_seeds(const TransformPlan& plan) {
  std::set<std::string> layers;  // sorted: the order of layers is not part of the effect
  for (const Assignment& assignment : plan.assignments) {
    if (assignment.outcome != Outcome::transformed) continue;
    std::string text = fmt::format("{}\t{} {}\n", assignment.layer, assignment.paradigm,
                                   assignment.paradigm_digest);
    for (const PlacedValue& entry : assignment.values.entries()) {
      if (!is_seed_parameter(entry.name))
        text += fmt::format("\t{}={}\n", entry.name, to_string(entry.value));
    }
    layers.insert(std::move(text));
  }
  return layers.empty() ? "" : sha256_hex(fmt::format("{}", fmt::join(layers, "")));
}

std::string seeds_text(const TransformPlan& plan) {
  std::set<std::string> seeds;
  for (const Assignment& assignment : plan.assignments) {
    if (assignment.outcome != Outcome::transformed) continue;
    for (const PlacedValue& entry : assignment.values.entries()) {
      if (is_seed_parameter(entry.name) && is_set(entry.value))
        seeds.insert(fmt::format("{}={}", entry.name, to_string(entry.value)));
    }
  }
  return fmt::format("{}", fmt::join(seeds, " "));
}

}  // namespace engine
