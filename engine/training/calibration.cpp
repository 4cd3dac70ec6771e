// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/calibration.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace engine {

void calibrate_some(Llama& model, const TokenDataset& data, const EvaluationRange& range,
                    const EvaluationOptions& options,
                    const std::function<bool(const NamedState&)>& wants,
                    const EvaluationProgress& on_progress) {
  const at::NoGradGuard no_grad;
  std::vector<std::pair<at::Tensor, at::Tensor>> kept;  // live, copy
  for (const NamedState& state : model.simulation_state()) {
    if (!wants(state)) kept.emplace_back(state.tensor, state.tensor.clone());
  }
  calibrate(model, data, range, options, on_progress);
  for (auto& [live, copy] : kept) live.copy_(copy);
}

StateMap unobserved_state(Llama& model) {
  StateMap found;
  for (const NamedState& state : model.simulation_state()) {
    if (is_unobserved(state)) found.emplace(state.name, state.tensor);
  }
  return found;
}

void restore_state(Llama& model, const StateMap& states) {
  const at::NoGradGuard no_grad;
  for (const NamedState& state : model.simulation_state()) {
    const auto found = states.find(state.name);
    if (found != states.end()) state.tensor.copy_(found->second);
  }
}

bool is_unobserved(const NamedState& state) {
  return !at::isfinite(state.tensor).all().item<bool>();
}

bool has_unobserved_state(Llama& model) {
  const auto states = model.simulation_state();
  return std::any_of(states.begin(), states.end(), is_unobserved);
}

}  // namespace engine
