// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/divergence_watch.h"

#include "engine/training/non_finite_layer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace engine {
namespace {

constexpr std::size_t kMostRemembered = 32 << 20;
constexpr std::size_t kMostRepeated = 32;  // steps

std::size_t bytes_of(const std::vector<at::Tensor>& tensors) {
  std::size_t bytes = 0;
  for (const at::Tensor& tensor : tensors) bytes += tensor.nbytes();
  return bytes;
}

/// Those which only tell of a training that goes nowhere, not of one that goes wrong.
bool is_only_marked(const DivergenceSeen& seen) {
  return seen.kind == "plateau" || seen.kind == "saturation";
}

}  // namespace

DivergenceWatch::DivergenceWatch(const RunConfig& config, Llama& model, const AdamW& optimizer,
                                 std::int64_t steps_done)
    : config_(config),
      model_(model),
      sentinel_({.spike = config.sentinel_spike,
                 .gradient = config.sentinel_gradient,
                 .plateau_steps = config.sentinel_plateau_steps,
                 .saturation = config.sentinel_saturation}) {
  for (const auto& [name, tensor] : optimizer.state()) {
    if (name == "step") updates_ = tensor;
  }
  left_out_ = steps_done - static_cast<std::int64_t>(updates_.item<float>());
}

void DivergenceWatch::learn(const std::vector<StepLogged>& earlier) {
  for (const StepLogged& step : earlier) sentinel_.hear(step);
}

void DivergenceWatch::remember(std::int64_t step, const std::vector<at::Tensor>& micro_batches) {
  if (is_off()) return;
  recent_.push_back({step, micro_batches});
  recent_bytes_ += bytes_of(micro_batches);
  while (recent_.size() > kMostRepeated || recent_bytes_ > kMostRemembered) {
    recent_bytes_ -= bytes_of(recent_.front().micro_batches);
    recent_.pop_front();
  }
}

std::vector<DivergenceSeen> DivergenceWatch::hear(const StepLogged& step) {
  if (is_off()) return {};
  const std::int64_t left_out = step.step - static_cast<std::int64_t>(updates_.item<float>());
  auto found = sentinel_.hear(step, left_out - std::exchange(left_out_, left_out));
  for (DivergenceSeen& seen : found) {
    if (seen.kind == "non_finite") {
      try {
        name_layer(seen);
      } catch (const std::exception& error) {
        // Too little memory, say: the run goes on without the name.
        seen.text += std::string("; its layer could not be found: ") + error.what();
      }
    }
    seen.action = is_only_marked(seen) ? "mark" : config_.sentinel;
  }
  recent_.clear();
  recent_bytes_ = 0;
  return found;
}

std::vector<DivergenceSeen> DivergenceWatch::hear(const LayerStats& stats) {
  if (is_off()) return {};
  auto found = sentinel_.hear(stats);
  for (DivergenceSeen& seen : found) seen.action = "mark";
  return found;
}

void DivergenceWatch::name_layer(DivergenceSeen& seen) {
  const auto dtype = config_.bf16 ? at::kBFloat16 : at::kFloat;
  for (const Step& step : recent_) {
    const NonFiniteOrigin origin =
        first_non_finite_layer(model_, step.micro_batches, step.step, dtype);
    if (origin.layer.empty()) continue;
    seen.layer = origin.layer;
    seen.text += fmt::format("; at step {} {}", step.step + 1, origin.text);
    return;
  }
  seen.text += "; the steps since the last log are finite when repeated with the weights of now";
}

bool DivergenceWatch::weights_are_finite() const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> flags;
  for (const Parameter& parameter : model_.parameters()) {
    flags.push_back(at::isfinite(parameter.tensor.detach()).all());
  }
  return at::stack(flags).all().item<bool>();
}

}  // namespace engine
