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

torch::autograd::variable_list backward_on_loops(const at::Tensor& x, const at::Tensor& weight,
                                                 const at::Tensor& scale,
                                                 const at::Tensor& y_gradient) {
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
  return {x_gradient, partial.sum(0), at::Tensor()};
}

#ifdef PARADIGM_WITH_CUDA
at::Tensor forward_on_cuda(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& scale,
                           double epsilon) {
  const c10::DeviceGuard guard(x.device());
  at::Tensor y = at::empty_like(x);
  const std::int64_t width = x.size(-1);
  kernels::cuda::rms_norm(x.const_data_ptr(), weight.const_data_ptr<float>(), element_type_of(x),
                          x.numel() / width, width, static_cast<float>(epsilon),
                          y.mutable_data_ptr(), scale.mutable_data_ptr<float>(), current_stream(x));
  return y;
}

torch::autograd::variable_list backward_on_cuda(const at::Tensor& x, const at::Tensor& weight,
                                                const at::Tensor& scale,
                                                const at::Tensor& y_gradient) {
  const c10::DeviceGuard guard(x.device());
  at::Tensor x_gradient = at::empty_like(x);
  const std::int64_t width = x.size(-1);
  const at::Tensor partial =
      at::empty({kernels::cuda::kRmsNormPartialRows, width}, scale.options());
  kernels::cuda::rms_norm_gradient(
      x.const_data_ptr(), weight.const_data_ptr<float>(), scale.const_data_ptr<float>(),
      y_gradient.const_data_ptr(), element_type_of(x), x.numel() / width, width,
      x_gradient.mutable_data_ptr(), partial.mutable_data_ptr<float>(), current_stream(x));
  return {x_gradient, partial.sum(0), at::Tensor()};
}
#endif

class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, double epsilon) {
    if (runs_on_loops(x) || runs_on_cuda_rows(x)) {
      std::vector<std::int64_t> shape = x.sizes().vec();
      shape.back() = 1;
      at::Tensor scale = at::empty(shape, x.options().dtype(at::kFloat));
      at::Tensor y;
#ifdef PARADIGM_WITH_CUDA
      if (x.is_cuda()) y = forward_on_cuda(x, weight, scale, epsilon);
#endif
      if (x.is_cpu()) y = forward_on_loops(x, weight, scale, epsilon);
      context->save_for_backward({x, weight, scale});
      return y;
    }
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor scale = wide.square().mean(-1, /*keepdim=*/true).add_(epsilon).rsqrt_();
    context->save_for_backward({x, weight, scale});
    at::Tensor normalised = (wide * scale).to(x.scalar_type());
    return normalised.mul_(weight.detach().to(x.scalar_type()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::NoGradGuard no_grad;
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    if (runs_on_loops(x)) {
      return backward_on_loops(x, saved[1], saved[2], gradients[0].contiguous());
    }
#ifdef PARADIGM_WITH_CUDA
    if (runs_on_cuda_rows(x)) {
      return backward_on_cuda(x, saved[1], saved[2], gradients[0].contiguous());
    }
#endif
    const at::Tensor weight = saved[1].to(x.scalar_type()).to(at::kFloat);
    const at::Tensor& scale = saved[2];
    const at::Tensor gradient = gradients[0].to(at::kFloat);
    const at::Tensor normalised = x.to(at::kFloat) * scale;
    const std::int64_t width = x.size(-1);

    at::Tensor product = gradient * normalised;
    const at::Tensor weight_gradient = product.reshape({-1, width}).sum(0);
    const at::Tensor projection = product.mul_(weight).mean(-1, /*keepdim=*/true);
    at::Tensor x_gradient = (gradient * weight).addcmul_(normalised, projection, -1).mul_(scale);
    return {x_gradient.to(x.scalar_type()), weight_gradient, at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  return RmsNormFunction::apply(x, weight, epsilon);
}

}  // namespace engine
