// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_linear.h"

#include "engine/error.h"
#include "engine/paradigms/optical_transformer/optical_matmul_function.h"
#include "engine/paradigms/optical_transformer/optical_noise.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_unsafe_view.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include <string>
#include <utility>

namespace engine::optical_transformer {

OpticalLinear::OpticalLinear(std::unique_ptr<LinearLayer> original, const OpticalOptions& options,
                             std::uint64_t run_seed)
    : LinearLayer(original->name(), original->weight(), original->bias()),
      original_(std::move(original)),
      options_(options),
      run_seed_(run_seed),
      x_range_("x_min_max", options.smooth_factor),
      w_range_("w_min_max", options.smooth_factor),
      out_range_("out_min_max", options.smooth_factor) {}

std::vector<NamedState> OpticalLinear::simulation_state() {
  return {x_range_.state(), w_range_.state(), out_range_.state()};
}

at::Tensor OpticalLinear::forward(const at::Tensor& x, const ForwardContext& context) {
  if (options_.bypass || x.numel() == 0) return original_->forward(x, context);
  require_cpu(x, name());
  if (x.size(-1) != weight().size(1)) {
    fail("shape-mismatch", {},
         name() + ": the input has " + std::to_string(x.size(-1)) + " features, the weight takes " +
             std::to_string(weight().size(1)));
  }
  if (context.phase == Phase::calibrate) return observe_plain_product(x, context);

  LinearResult result;
  {
    const at::NoGradGuard no_gradient;
    const at::Tensor x_values = dense_float(x);
    const at::Tensor w_values = dense_float(weight());
    if (options_.observes(context)) {
      observe_operands(x_values, w_values);
    } else {
      for (const RangeTracker* range : {&x_range_, &w_range_, &out_range_}) {
        range->require_set(name());
      }
    }
    result.x_range = x_range_.range();
    result.w_range = w_range_.range();
    const at::Tensor a = quantised(x_values, options_.levels, result.x_range, 0);
    const at::Tensor b = quantised(w_values, options_.levels, result.w_range, options_.lut_min);
    const at::Tensor accumulator = at::mm(a.reshape({-1, x.size(-1)}), b.t());
    at::Tensor exact;
    if (options_.clip_gradient) exact = accumulator.clone();
    const kernels::Range range = read_out(accumulator, accumulator.numel() / x.size(0), context);
    if (options_.clip_gradient) {
      result.clip = true;
      result.inside = inside(exact, range);
    }
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = weight().size(0);
    // Not a view in autograd's eyes, so that the caller may change it in place.
    result.y = at::_unsafe_view(accumulator, shape).to(context.compute_dtype);
  }
  return with_linear_gradient(x, weight(), bias(), result);
}

void OpticalLinear::observe_operands(const at::Tensor& x, const at::Tensor& weight) {
  x_range_.observe(observed_range(x, options_.quantiles));
  w_range_.observe(observed_range(weight, options_.quantiles));
}

/// In place. The range is used first and updated after; the first time it is made from this very
/// accumulator.
kernels::Range OpticalLinear::read_out(const at::Tensor& accumulator, std::int64_t per_sequence,
                                       const ForwardContext& context) {
  const bool observes = options_.observes(context);
  const bool first_time = observes && !out_range_.is_set();
  kernels::Range before;
  if (first_time || (observes && options_.quantiles)) {
    before = observed_range(accumulator, options_.quantiles);
  }
  if (first_time) out_range_.observe(before);

  const bool repeats = context.recompute && is_finite(last_read_out_range_);
  const kernels::Range range = repeats ? last_read_out_range_ : out_range_.range();
  last_read_out_range_ = range;

  const float bounds[2] = {range.lo, range.hi};
  at::Tensor bias_values;
  if (bias().defined()) bias_values = bias().detach().to(at::kFloat).contiguous();
  const kernels::ReadOut how{
      .levels = options_.levels,
      .range = bounds,
      .noisy = options_.noise,
      .noise = noise_stream(run_seed_, name(), options_.seed,
                            kernels::noise_role::optical_linear_read_out, context, per_sequence),
      .bias = bias_values.defined() ? bias_values.const_data_ptr<float>() : nullptr};
  const kernels::Range extent = read_out_in_place(accumulator, how);
  if (observes && !first_time) out_range_.observe(options_.quantiles ? before : extent);
  return range;
}

at::Tensor OpticalLinear::observe_plain_product(const at::Tensor& x,
                                                const ForwardContext& context) {
  const at::Tensor product = at::linear(x.to(at::kFloat), weight().to(at::kFloat));
  {
    const at::NoGradGuard no_gradient;
    observe_operands(dense_float(x), dense_float(weight()));
    out_range_.observe(observed_range(dense_float(product), options_.quantiles));
  }
  const at::Tensor y = bias().defined() ? product.add(bias().to(at::kFloat)) : product;
  return y.to(context.compute_dtype);
}

}  // namespace engine::optical_transformer
