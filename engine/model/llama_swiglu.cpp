// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/llama_swiglu.h"

#include "engine/device/cuda_rows.h"
#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/device/parallel_for.h"
#include "kernels/swiglu/swiglu.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

namespace engine {
namespace {

constexpr std::int64_t kGrain = 1 << 15;

bool runs_on_loops(const at::Tensor& gate, const at::Tensor& up) {
  return gate.is_cpu() && gate.scalar_type() == at::kFloat && gate.is_contiguous() &&
         up.is_contiguous();
}

at::Tensor forward_on_loops(const at::Tensor& gate, const at::Tensor& up) {
  at::Tensor y = at::empty_like(gate);
  const float* gate_data = gate.const_data_ptr<float>();
  const float* up_data = up.const_data_ptr<float>();
  float* y_data = y.mutable_data_ptr<float>();
  parallel_for(gate.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    kernels::cpu::swiglu(gate_data + begin, up_data + begin, end - begin, y_data + begin);
  });
  return y;
}

torch::autograd::variable_list backward_on_loops(const at::Tensor& gate, const at::Tensor& up,
                                                 const at::Tensor& y_gradient) {
  at::Tensor gate_gradient = at::empty_like(gate);
  at::Tensor up_gradient = at::empty_like(up);
  const float* gate_data = gate.const_data_ptr<float>();
  const float* up_data = up.const_data_ptr<float>();
  const float* y_data = y_gradient.const_data_ptr<float>();
  float* gate_out = gate_gradient.mutable_data_ptr<float>();
  float* up_out = up_gradient.mutable_data_ptr<float>();
  parallel_for(gate.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    kernels::cpu::swiglu_gradient(gate_data + begin, up_data + begin, y_data + begin, end - begin,
                                  gate_out + begin, up_out + begin);
  });
  return {gate_gradient, up_gradient};
}

#ifdef PARADIGM_WITH_CUDA
bool runs_on_cuda(const at::Tensor& gate, const at::Tensor& up) {
  return runs_on_cuda_rows(gate) && runs_on_cuda_rows(up);
}

at::Tensor forward_on_cuda(const at::Tensor& gate, const at::Tensor& up) {
  const c10::DeviceGuard guard(gate.device());
  at::Tensor y = at::empty_like(gate);
  kernels::cuda::swiglu(gate.const_data_ptr(), up.const_data_ptr(), element_type_of(gate),
                        gate.numel(), y.mutable_data_ptr(), current_stream(gate));
  return y;
}

torch::autograd::variable_list backward_on_cuda(const at::Tensor& gate, const at::Tensor& up,
                                                const at::Tensor& y_gradient) {
  const c10::DeviceGuard guard(gate.device());
  at::Tensor gate_gradient = at::empty_like(gate);
  at::Tensor up_gradient = at::empty_like(up);
  kernels::cuda::swiglu_gradient(gate.const_data_ptr(), up.const_data_ptr(),
                                 y_gradient.const_data_ptr(), element_type_of(gate), gate.numel(),
                                 gate_gradient.mutable_data_ptr(), up_gradient.mutable_data_ptr(),
                                 current_stream(gate));
  return {gate_gradient, up_gradient};
}
#endif

class SwigluFunction : public torch::autograd::Function<SwigluFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& gate,
                            const at::Tensor& up) {
    context->save_for_backward({gate, up});
#ifdef PARADIGM_WITH_CUDA
    if (runs_on_cuda(gate, up)) return forward_on_cuda(gate, up);
#endif
    return runs_on_loops(gate, up) ? forward_on_loops(gate, up) : at::silu(gate).mul_(up);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::NoGradGuard no_grad;
    const auto saved = context->get_saved_variables();
    const at::Tensor& gate = saved[0];
    const at::Tensor& up = saved[1];
    if (runs_on_loops(gate, up)) return backward_on_loops(gate, up, gradients[0].contiguous());
#ifdef PARADIGM_WITH_CUDA
    if (runs_on_cuda(gate, up)) return backward_on_cuda(gate, up, gradients[0].contiguous());
#endif
    return {at::silu_backward(gradients[0] * up, gate), at::silu(gate).mul_(gradients[0])};
  }
};

}  // namespace

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  return SwigluFunction::apply(gate, up);
}

}  // namespace engine
