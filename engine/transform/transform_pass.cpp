// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_pass.h"

#include "engine/error.h"

#include <map>
#include <string>
#include <utility>

namespace engine {
namespace {

const Paradigm& paradigm_of(const std::vector<std::shared_ptr<Paradigm>>& paradigms,
                            const Assignment& assignment) {
  for (const auto& paradigm : paradigms) {
    if (paradigm->id() == assignment.paradigm) return *paradigm;
  }
  fail("unknown-paradigm", {},
       "the plan replaces " + assignment.layer + " by paradigm " + assignment.paradigm +
           ", which this engine does not have");
}

template <typename Layer>
std::map<std::string, LayerSlot<Layer>*> by_name(const std::vector<LayerSlot<Layer>*>& slots) {
  std::map<std::string, LayerSlot<Layer>*> named;
  for (LayerSlot<Layer>* slot : slots) named.emplace((*slot)->name(), slot);
  return named;
}

template <typename Layer>
LayerSlot<Layer>& slot_of(const std::map<std::string, LayerSlot<Layer>*>& slots,
                          const std::string& name) {
  const auto found = slots.find(name);
  if (found == slots.end()) fail("unknown-layer", {}, "the model has no layer " + name);
  return *found->second;
}

template <typename Layer>
void replace_in(LayerSlot<Layer>& slot, const Paradigm& paradigm, const Assignment& assignment,
                const ReplaceContext& context) {
  slot.replace([&](std::unique_ptr<Layer> original) {
    return paradigm.replace(std::move(original), assignment.values, context);
  });
}

template <typename Layer>
void refuse_second_pass(const std::vector<LayerSlot<Layer>*>& slots) {
  for (const LayerSlot<Layer>* slot : slots) {
    if ((*slot)->is_transformed()) {
      fail("already-transformed", {}, "the layer " + (*slot)->name() + " is already transformed",
           "Load the model again and apply one transform");
    }
  }
}

template <typename Layer>
void check_outcome(const std::vector<LayerSlot<Layer>*>& slots, const TransformPlan& plan) {
  for (const LayerSlot<Layer>* slot : slots) {
    const Assignment* assignment = plan.find((*slot)->name());
    const bool planned = assignment != nullptr && assignment->outcome == Outcome::transformed;
    if ((*slot)->is_transformed() != planned) {
      fail("plan-not-kept", {},
           "the transform of " + (*slot)->name() + " did not turn out as planned",
           "This is a fault of the paradigm " + (planned ? assignment->paradigm : "in use"));
    }
  }
}

}  // namespace

void apply_transform(Llama& model, const TransformPlan& plan,
                     const std::vector<std::shared_ptr<Paradigm>>& paradigms,
                     const ReplaceContext& context,
                     const std::function<void(const Assignment&)>& on_layer) {
  const auto attention_slots = model.attention_slots();
  const auto linear_slots = model.linear_slots();
  refuse_second_pass(attention_slots);
  refuse_second_pass(linear_slots);

  ReplaceContext placed = context;
  placed.device = model.device();
  const auto attentions = by_name(attention_slots);
  const auto linears = by_name(linear_slots);
  for (const Assignment* assignment : plan.replacements()) {
    const Paradigm& paradigm = paradigm_of(paradigms, *assignment);
    if (assignment->kind == LayerKind::attention) {
      replace_in(slot_of(attentions, assignment->layer), paradigm, *assignment, placed);
    } else {
      replace_in(slot_of(linears, assignment->layer), paradigm, *assignment, placed);
    }
    if (on_layer) on_layer(*assignment);
  }
  check_outcome(attention_slots, plan);
  check_outcome(linear_slots, plan);
}

}  // namespace engine
