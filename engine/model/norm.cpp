// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/norm.h"

#include "engine/device/cuda_rows.h"
#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/device/parallel_for.h"
#include "kernels/rms_norm/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

namespace engine {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Weight gradients are summed over this many groups of rows and then over the groups: the same
/// order for any number of threads.
constexpr std::int64_t kRowGroups = 16;
/// Fewer elements than this are not worth a second thread.
constexpr std::int64_t kGrain = 1 << 15;

bool runs_on_loops(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.is_contiguous();
}

at::Tensor forward_on_loops(const at::Tensor& x, const at::Tensor& weight, at::Tensor& scale,
                            double epsilon) {
  const std::int64_t width = x.size(-1);
  at::Tensor y = at::empty_like(x);
  const float* x_data = x.const_data_ptr<float>();
  const float* weight_data = weight.const_data_ptr<float>();
  float* y_data = y.mutable_data_ptr<float>();
  float* scale_data = scale.mutable_data_ptr<float>();
  parallel_for(x.numel() / width, std::max<std::int64_t>(1, kGrain / width),
               [&](std::int64_t begin, std::int64_t end) {
                 kernels::cpu::rms_norm(x_data + begin * width, weight_data, end - begin, width,
                                        static_cast<float>(epsilon), y_data + begin * width,
                                        scale_data + begin);
               });
  return y;
}

variable_list backward_on_loops(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& scale, const at::Tensor& y_gradient) {
  const std::int64_t width = x.size(-1);
  const std::int64_t rows = x.numel() / width;
  at::Tensor x_gradient = at::empty_like(x);
  at::Tensor partial = at::zeros({kRowGroups, width}, x.options());
  const float* x_data = x.const_data_ptr<float>();
  const float* weight_data = weight.const_data_ptr<float>();
  const float* scale_data = scale.const_data_ptr<float>();
  const float* y_data = y_gradient.const_data_ptr<float>();
  float* x_out = x_gradient.mutable_data_ptr<float>();
  float* partial_data = partial.mutable_data_ptr<float>();
  const std::int64_t group_size = std::max<std::int64_t>(1, x.numel() / kRowGroups);
  parallel_for(kRowGroups, (kGrain + group_size - 1) / group_size,
               [&](std::int64_t first, std::int64_t last) {
                 for (std::int64_t group = first; group < last; ++group) {
                   const std::int64_t begin = rows * group / kRowGroups;
                   const std::int64_t end = rows * (group + 1) / kRowGroups;
                   kernels::cpu::rms_norm_gradient(x_data + begin * width, weight_data,
                                                   scale_data + begin, y_data + begin * width,
                                                   end - begin, width, x_out + begin * width,
                                                   partial_data + group * width);
                 }
               });
  return {x_gradient, partial.sum(0)};
}

#ifdef PARADIGM_WITH_CUDA
/// `delta` and `sum` may be undefined.
at::Tensor forward_on_cuda(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                           const at::Tensor& sum, const at::Tensor& scale, double epsilon,
                           const Extent& extent) {
  const c10::DeviceGuard guard(x.device());
  at::Tensor y = at::empty_like(x);
  const std::int64_t width = x.size(-1);
  kernels::cuda::rms_norm(x.const_data_ptr(), delta.defined() ? delta.const_data_ptr() : nullptr,
                          weight.const_data_ptr<float>(), element_type_of(x), x.numel() / width,
                          width, static_cast<float>(epsilon),
                          sum.defined() ? sum.mutable_data_ptr() : nullptr, y.mutable_data_ptr(),
                          scale.mutable_data_ptr<float>(), extent.pointer(), current_stream(x));
  return y;
}

/// Gradients of x, `sum_gradient` added unless it is undefined, and of the weight.
variable_list backward_on_cuda(const at::Tensor& x, const at::Tensor& weight,
                               const at::Tensor& scale, const at::Tensor& y_gradient,
                               const at::Tensor& sum_gradient) {
  const c10::DeviceGuard guard(x.device());
  at::Tensor x_gradient = at::empty_like(x);
  const std::int64_t width = x.size(-1);
  const at::Tensor partial =
      at::empty({kernels::cuda::kRmsNormPartialRows, width}, scale.options());
  kernels::cuda::rms_norm_gradient(
      x.const_data_ptr(), weight.const_data_ptr<float>(), scale.const_data_ptr<float>(),
      y_gradient.const_data_ptr(), sum_gradient.defined() ? sum_gradient.const_data_ptr() : nullptr,
      element_type_of(x), x.numel() / width, width, x_gradient.mutable_data_ptr(),
      partial.mutable_data_ptr<float>(), current_stream(x));
  const at::Tensor weight_gradient = at::empty({width}, scale.options());
  kernels::cuda::rms_norm_weight_gradient(partial.const_data_ptr<float>(), width,
                                          weight_gradient.mutable_data_ptr<float>(),
                                          current_stream(x));
  return {x_gradient, weight_gradient};
}
#endif

at::Tensor empty_scale(const at::Tensor& x) {
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = 1;
  return at::empty(shape, x.options().dtype(at::kFloat));
}

/// The norm of x; `scale` gets what its gradient needs.
at::Tensor normalised(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                      at::Tensor& scale) {
#ifdef PARADIGM_WITH_CUDA
  if (runs_on_cuda_rows(x)) {
    scale = empty_scale(x);
    return forward_on_cuda(x, {}, weight, {}, scale, epsilon, {});
  }
#endif
  if (runs_on_loops(x)) {
    scale = empty_scale(x);
    return forward_on_loops(x, weight, scale, epsilon);
  }
  const at::Tensor wide = x.to(at::kFloat);
  scale = wide.square().mean(-1, /*keepdim=*/true).add_(epsilon).rsqrt_();
  at::Tensor result = (wide * scale).to(x.scalar_type());
  return result.mul_(weight.detach().to(x.scalar_type()));
}

/// Gradients of x, `sum_gradient` added unless it is undefined, and of the weight.
variable_list gradients_of(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& scale,
                           const at::Tensor& y_gradient, const at::Tensor& sum_gradient) {
#ifdef PARADIGM_WITH_CUDA
  if (runs_on_cuda_rows(x)) {
    return backward_on_cuda(x, weight, scale, y_gradient.contiguous(),
                            sum_gradient.defined() ? sum_gradient.contiguous() : sum_gradient);
  }
#endif
  variable_list results;
  if (runs_on_loops(x)) {
    results = backward_on_loops(x, weight, scale, y_gradient.contiguous());
  } else {
    const at::Tensor factor = weight.to(x.scalar_type()).to(at::kFloat);
    const at::Tensor gradient = y_gradient.to(at::kFloat);
    const at::Tensor n = x.to(at::kFloat) * scale;
    at::Tensor product = gradient * n;
    const at::Tensor weight_gradient = product.reshape({-1, x.size(-1)}).sum(0);
    const at::Tensor projection = product.mul_(factor).mean(-1, /*keepdim=*/true);
    at::Tensor x_gradient = (gradient * factor).addcmul_(n, projection, -1).mul_(scale);
    results = {x_gradient.to(x.scalar_type()), weight_gradient};
  }
  if (sum_gradient.defined()) results[0].add_(sum_gradient);
  return results;
}

class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            double epsilon) {
    at::Tensor scale;
    at::Tensor y = normalised(x, weight, epsilon, scale);
    context->save_for_backward({x, weight, scale});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::NoGradGuard no_grad;
    const auto saved = context->get_saved_variables();
    variable_list results = gradients_of(saved[0], saved[1], saved[2], gradients[0], {});
    results.emplace_back();  // epsilon
    return results;
  }
};

class AddRmsNormFunction : public torch::autograd::Function<AddRmsNormFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const at::Tensor& delta, const at::Tensor& weight, double epsilon,
                               Extent& extent) {
    context->set_materialize_grads(false);
    at::Tensor sum, y, scale;
#ifdef PARADIGM_WITH_CUDA
    if (runs_on_cuda_rows(x) && runs_on_cuda_rows(delta)) {
      sum = at::empty_like(x);
      scale = empty_scale(x);
      y = forward_on_cuda(x, delta, weight, sum, scale, epsilon, extent);
    }
#endif
    if (!sum.defined()) {
      extent = {};
      sum = x + delta;
      y = normalised(sum, weight, epsilon, scale);
    }
    context->save_for_backward({sum, weight, scale});
    return {sum, y};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::NoGradGuard no_grad;
    const auto saved = context->get_saved_variables();
    const at::Tensor& sum_gradient = gradients[0];
    if (!gradients[1].defined()) {
      return {sum_gradient, sum_gradient, at::Tensor(), at::Tensor(), at::Tensor()};
    }
    const variable_list results =
        gradients_of(saved[0], saved[1], saved[2], gradients[1], sum_gradient);
    return {results[0], results[0], results[1], at::Tensor(), at::Tensor()};
  }
};

}  // namespace

NormGradients rms_norm_gradients(const at::Tensor& x, const at::Tensor& weight,
                                 const at::Tensor& scale, const at::Tensor& y_gradient,
                                 const at::Tensor& sum_gradient) {
  const variable_list both = gradients_of(x, weight, scale, y_gradient, sum_gradient);
  return {both[0], both[1]};
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  return RmsNormFunction::apply(x, weight, epsilon);
}

NormedSum add_rms_norm(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                       double epsilon, const Extent& wanted) {
  Extent extent = wanted;
  const variable_list results = AddRmsNormFunction::apply(x, delta, weight, epsilon, extent);
  return {results[0], {results[1], extent}};
}

}  // namespace engine
