// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/optimizer.h"

#include "engine/device/cuda_rows.h"
#include "engine/device/current_stream.h"
#include "kernels/adamw/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/DeviceGuard.h>

#include <unordered_map>
#include <utility>

namespace engine {

GradientNorm gradient_norm(const std::vector<Parameter>& parameters, double max_norm) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const Parameter& parameter : parameters) gradients.push_back(parameter.tensor.grad());
  GradientNorm result;
  result.of_each = at::stack(at::_foreach_norm(gradients, 2));
  result.norm = at::linalg_vector_norm(result.of_each, 2);
  result.found_inf = at::isfinite(result.norm).logical_not().to(at::kFloat);
  result.divisor = max_norm > 0 ? ((result.norm + 1e-6) / max_norm).clamp_min(1.0)
                                : at::ones({}, result.norm.options());
  return result;
}

void zero_gradients(const std::vector<Parameter>& parameters) {
  for (const Parameter& parameter : parameters) parameter.tensor.mutable_grad().reset();
}

AdamW::AdamW(const std::vector<Parameter>& parameters, const AdamWOptions& options)
    : options_(options), groups_(2) {
  groups_[0].weight_decay = options.weight_decay;
  const at::NoGradGuard no_grad;
  step_ = at::zeros({}, parameters.front().tensor.options().dtype(at::kFloat));
  for (const Parameter& parameter : parameters) {
    Group& group = groups_[parameter.decays ? 0 : 1];
    group.names.push_back(parameter.name);
    group.parameters.push_back(parameter.tensor);
    group.exp_avg.push_back(at::zeros_like(parameter.tensor));
    group.exp_avg_sq.push_back(at::zeros_like(parameter.tensor));
    group.steps.push_back(step_);
  }
}

void AdamW::step(double learning_rate, const GradientNorm& gradients,
                 const std::vector<WorkingWeights*>& working) {
  const at::NoGradGuard no_grad;
  step_.add_(1 - gradients.found_inf);
  if (has_cuda_kernels(step_.device())) {
    step_on_cuda(learning_rate, gradients, working);
    return;
  }
  for (Group& group : groups_) {
    std::vector<at::Tensor> grads;
    grads.reserve(group.parameters.size());
    for (const at::Tensor& parameter : group.parameters) grads.push_back(parameter.grad());
    at::_fused_adamw_(group.parameters, grads, group.exp_avg, group.exp_avg_sq, {}, group.steps,
                      learning_rate, options_.beta1, options_.beta2, group.weight_decay,
                      options_.epsilon, /*amsgrad=*/false, /*maximize=*/false, gradients.divisor,
                      gradients.found_inf);
  }
}

void AdamW::step_on_cuda([[maybe_unused]] double learning_rate,
                         [[maybe_unused]] const GradientNorm& gradients,
                         [[maybe_unused]] const std::vector<WorkingWeights*>& working) {
#ifdef PARADIGM_WITH_CUDA
  const c10::DeviceGuard guard(step_.device());
  std::unordered_map<const void*, std::pair<WorkingWeights*, std::size_t>> copies;
  for (WorkingWeights* const stack : working) {
    if (stack->values().scalar_type() != at::kBFloat16) continue;
    for (std::size_t i = 0; i < stack->weights().size(); ++i) {
      copies.emplace(stack->weights()[i].unsafeGetTensorImpl(), std::pair(stack, i));
    }
  }
  for (Group& group : groups_) {
    std::vector<kernels::cuda::AdamWTensor> tensors;
    std::vector<at::Tensor> dense;  // gradients that were not
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      at::Tensor& parameter = group.parameters[i];
      dense.push_back(parameter.grad().contiguous());
      kernels::cuda::AdamWTensor tensor{.weight = parameter.mutable_data_ptr<float>(),
                                        .gradient = dense.back().const_data_ptr<float>(),
                                        .exp_avg = group.exp_avg[i].mutable_data_ptr<float>(),
                                        .exp_avg_sq = group.exp_avg_sq[i].mutable_data_ptr<float>(),
                                        .copy = nullptr,
                                        .count = parameter.numel()};
      parameter.unsafeGetTensorImpl()->bump_version();
      if (const auto copy = copies.find(parameter.unsafeGetTensorImpl()); copy != copies.end()) {
        const auto& [stack, index] = copy->second;
        tensor.copy = static_cast<std::uint16_t*>(stack->copy(index).mutable_data_ptr());
        stack->written(index);
      }
      tensors.push_back(tensor);
    }
    kernels::cuda::adamw(tensors,
                         {.learning_rate = learning_rate,
                          .beta1 = options_.beta1,
                          .beta2 = options_.beta2,
                          .epsilon = options_.epsilon,
                          .weight_decay = group.weight_decay,
                          .step = step_.const_data_ptr<float>(),
                          .divisor = gradients.divisor.const_data_ptr<float>(),
                          .found_inf = gradients.found_inf.const_data_ptr<float>()},
                         current_stream(step_));
  }
#endif
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const Group& group : groups_) {
    for (std::size_t index = 0; index < group.names.size(); ++index) {
      all.emplace_back(group.names[index] + ".exp_avg", group.exp_avg[index]);
      all.emplace_back(group.names[index] + ".exp_avg_sq", group.exp_avg_sq[index]);
    }
  }
  all.emplace_back("step", step_);
  return all;
}

}  // namespace engine
