// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/norm.h"

#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/custom_function.h>

namespace engine {
namespace {

class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, double epsilon) {
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
