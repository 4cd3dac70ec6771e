// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_linear.h"

#include "engine/error.h"
#include "engine/model/fused_projections.h"
#include "engine/paradigms/optical_transformer/measured_sites.h"
#include "engine/paradigms/optical_transformer/optical_matmul_function.h"
#include "engine/paradigms/optical_transformer/optical_noise.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_unsafe_view.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <string>
#include <utility>

namespace engine::optical_transformer {
namespace {

c10::ScalarType range_storage(const OpticalOptions& options, const at::Tensor& weight) {
  return options.reference ? weight.scalar_type() : at::kFloat;
}

}  // namespace

OpticalLinear::OpticalLinear(std::unique_ptr<LinearLayer> original, const OpticalOptions& options,
                             std::uint64_t run_seed)
    : LinearLayer(original->name(), original->weight(), original->bias()),
      original_(std::move(original)),
      options_(options),
      run_seed_(run_seed),
      refused_(refusal_count(weight().device())),
      x_range_("x_min_max", refused_, range_storage(options, weight())),
      w_range_("w_min_max", refused_, range_storage(options, weight())),
      out_range_("out_min_max", refused_, range_storage(options, weight())) {}

std::vector<NamedState> OpticalLinear::simulation_state() {
  return {x_range_.state(), w_range_.state(), out_range_.state()};
}

bool OpticalLinear::is_capturable(std::int64_t step) const {
  if (options_.bypass) return original_->is_capturable(step);
  return options_.is_settled(step) && x_range_.is_set() && w_range_.is_set() && out_range_.is_set();
}

at::Tensor OpticalLinear::forward(const at::Tensor& x, const ForwardContext& context) {
  if (options_.bypass || x.numel() == 0) return original_->forward(x, context);
  require_same_device(x, weight().device(), name());
  if (x.size(-1) != weight().size(1)) {
    fail("shape-mismatch", {},
         name() + ": the input has " + std::to_string(x.size(-1)) + " features, the weight takes " +
             std::to_string(weight().size(1)));
  }
  if (context.phase == Phase::calibrate) return observe_plain_product(x, context);
  if (const auto joint = engine::joint_product({this}, x, context)) {
    return fused_linear(*joint, x, *this);
  }
  return with_linear_gradient(x, weight(), bias(), compute(x, context));
}

LinearResult OpticalLinear::compute(const at::Tensor& x, const ForwardContext& context) {
  const at::NoGradGuard no_gradient;
  RangePass pass(options_, context);
  for (const RangeTracker* range : {&x_range_, &w_range_, &out_range_}) {
    pass.require(*range, name());
  }
  LinearResult result;
  const at::Tensor x_values = dense_values(x);
  const at::Tensor w_values = dense_values(weight());
  const auto [a, b] = operands_of(x_values, w_values, context, pass, result);
  const at::Tensor accumulator = product(a.reshape({-1, x.size(-1)}), b.t());

  const std::int64_t per_sequence = accumulator.numel() / x.size(0);
  at::Tensor y;
  if (updates_in_read_out(pass) && !context.measure) {
    y = read_out_with({}, accumulator, per_sequence, context, pass);
  } else {
    y = read_out_and_observe(x_values, accumulator, per_sequence, context, pass, result);
  }
  pass.finish();

  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = weight().size(0);
  // Not a view in autograd's eyes, so that the caller may change it in place.
  result.y = at::_unsafe_view(y, shape).to(context.compute_dtype);
  return result;
}

/// Both operands as the product sees them; their ranges go into `result`.
std::pair<at::Tensor, at::Tensor> OpticalLinear::operands_of(const at::Tensor& x,
                                                             const at::Tensor& w,
                                                             const ForwardContext& context,
                                                             RangePass& pass,
                                                             LinearResult& result) {
  const c10::ScalarType type = operand_type(x, options_.levels);
  const float lut_min = options_.floor_at(context.step);
  const bool is_coded = coded_range_.defined();  // the pass has observed the weight already
  if (!is_coded && pass.encodes_in_kernel(x_range_) && pass.encodes_in_kernel(w_range_)) {
    const RangeUpdate x_update = pass.update_in_kernel(x_range_);
    const RangeUpdate w_update = pass.update_in_kernel(w_range_);
    result.x_range = x_update.used;
    result.w_range = w_update.used;
    const auto codes =
        encoded({{x, x_update, 0, w_update.used}, {w, w_update, lut_min, x_update.used}},
                options_.levels, type);
    return {codes[0], codes[1]};
  }
  result.x_range = pass.operand(x_range_, x);
  result.w_range = is_coded ? std::exchange(coded_range_, {}) : pass.operand(w_range_, w);
  return {quantised(x, {.levels = options_.levels,
                        .range = result.x_range,
                        .type = type,
                        .partner = result.w_range}),
          quantised(w, {.levels = options_.levels,
                        .range = result.w_range,
                        .lut_min = lut_min,
                        .type = type,
                        .partner = result.x_range})};
}

/// Whether one kernel can read out and then observe the accumulator.
bool OpticalLinear::updates_in_read_out(const RangePass& pass) const {
  return pass.observes() && !pass.must_initialise(out_range_) && out_range_.updates_in_kernel() &&
         !options_.reference && !options_.quantiles && !options_.clip_gradient;
}

/// The range is used first and updated after; the first time it is made from the product at hand.
at::Tensor OpticalLinear::read_out_and_observe(const at::Tensor& x, const at::Tensor& accumulator,
                                               std::int64_t per_sequence,
                                               const ForwardContext& context, RangePass& pass,
                                               LinearResult& result) {
  const bool first_time = pass.must_initialise(out_range_);
  const bool follows_product = pass.observes() && !first_time && !options_.reference;
  at::Tensor observed;
  if (follows_product && options_.quantiles) {
    observed = observed_range(accumulator, options_.quantiles);
  }
  const at::Tensor range = read_out_range(x, accumulator, pass);
  if (options_.clip_gradient) {
    result.clip = true;
    result.inside = inside(accumulator, range);
  }
  at::Tensor clamp_rate;
  if (context.measure) clamp_rate = share_outside(accumulator, range);

  at::Tensor extent;
  const at::Tensor y = read_out_with(range, accumulator, per_sequence, context, pass, &extent);
  if (follows_product) pass.observe_later(out_range_, observed.defined() ? observed : extent);
  if (pass.observes() && options_.reference) {
    pass.observe_later(out_range_, observed_range(y, options_.quantiles));
  }
  pass.finish();
  if (context.measure) {
    const at::Tensor exact = exact_outputs(x);
    keep_statistics(result.x_range, result.w_range, range, clamp_rate,
                    signal_to_noise(exact, y.narrow(0, 0, exact.size(0))));
  }
  return y;
}

/// The range to read out with, made from the accumulator (semantics: reference: from the exact
/// product) when there is none yet.
at::Tensor OpticalLinear::read_out_range(const at::Tensor& x, const at::Tensor& accumulator,
                                         const RangePass& pass) {
  if (pass.must_initialise(out_range_)) {
    at::Tensor source = accumulator;
    if (options_.reference) {
      source =
          at::mm(x.to(at::kFloat).reshape({-1, x.size(-1)}), weight().detach().to(at::kFloat).t());
    }
    pass.observe(out_range_, observed_range(source, options_.quantiles));
  }
  return pass.use(out_range_);
}

/// How this layer's output is read out, but for range and bias.
kernels::ReadOut OpticalLinear::read_out_of(const ForwardContext& context,
                                            std::int64_t per_sequence) const {
  const auto role = kernels::noise_role::optical_linear_read_out;
  return {.levels = options_.levels,
          .range = nullptr,
          .noisy = options_.noise,
          .noise = options_.reference ? frozen_stream(options_.seed)
                                      : noise_stream(run_seed_, name(), options_.seed, role,
                                                     context, per_sequence),
          .bias = nullptr,
          .frozen = options_.reference};
}

/// Uses the accumulator's memory where it can. In `range`, `extent` gets the accumulator's own one;
/// without it in the running range, which is then updated.
at::Tensor OpticalLinear::read_out_with(const at::Tensor& range, const at::Tensor& accumulator,
                                        std::int64_t per_sequence, const ForwardContext& context,
                                        const RangePass& pass, at::Tensor* extent) {
  at::Tensor bias_values;
  if (bias().defined()) bias_values = bias().detach().to(at::kFloat).contiguous();
  kernels::ReadOut how = read_out_of(context, per_sequence);
  if (range.defined()) how.range = range.const_data_ptr<float>();
  if (bias_values.defined()) how.bias = bias_values.const_data_ptr<float>();
  // What looks at the values themselves wants them unrounded.
  const bool rounds = !options_.reference && !context.measure;
  const c10::ScalarType type = rounds ? context.compute_dtype : at::kFloat;
  return range.defined() ? read_out(accumulator, how, type, *extent)
                         : read_out(accumulator, how, type, pass.update_in_kernel(out_range_));
}

/// The outputs of as many of the first rows as are measured, computed in fp32.
at::Tensor OpticalLinear::exact_outputs(const at::Tensor& x) const {
  const at::Tensor rows = x.detach().reshape({-1, x.size(-1)});
  const auto exact_type = [](const at::Tensor& t) {
    return t.defined() ? t.detach().to(at::kFloat) : t;
  };
  return at::linear(exact_type(rows.narrow(0, 0, measured_rows(rows.size(0), weight().size(0)))),
                    exact_type(weight()), exact_type(bias()));
}

void OpticalLinear::keep_statistics(const at::Tensor& x_range, const at::Tensor& w_range,
                                    const at::Tensor& out_range, const at::Tensor& clamp_rate,
                                    const at::Tensor& sqnr_db) {
  MeasuredSites measured;
  measured.add_range("x", x_range);
  measured.add_range("w", w_range);
  measured.add_range("out", out_range);
  measured.add("clamp_rate", clamp_rate);
  measured.add("sqnr_db", sqnr_db);
  measured.add_refused(refused_);
  statistics_ = measured.take();
}

at::Tensor OpticalLinear::observe_plain_product(const at::Tensor& x,
                                                const ForwardContext& context) {
  const at::Tensor product = at::linear(x.to(at::kFloat), weight().to(at::kFloat));
  {
    const at::NoGradGuard no_gradient;
    const RangePass pass(options_, context);
    pass.observe(x_range_, observed_range(dense_values(x), options_.quantiles));
    pass.observe(w_range_, observed_range(dense_values(weight()), options_.quantiles));
    pass.observe(out_range_, observed_range(dense_values(product), options_.quantiles));
  }
  const at::Tensor y = bias().defined() ? product.add(bias().to(at::kFloat)) : product;
  return y.to(context.compute_dtype);
}

}  // namespace engine::optical_transformer
