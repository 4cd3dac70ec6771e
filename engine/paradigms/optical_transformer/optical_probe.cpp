// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_probe.h"

#include "engine/error.h"
#include "engine/paradigms/optical_transformer/optical_options.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/grad_mode.h>

namespace engine::optical_transformer {

std::vector<RangeSite> OpticalProbe::range_sites(LayerKind kind) const {
  if (kind == LayerKind::attention) {
    return {{"q", "query_min_max"},
            {"k", "key_min_max"},
            {"qk", "qk_min_max", true},
            {"v", "value_min_max"},
            {"out", "av_min_max", true}};
  }
  return {{"x", "x_min_max"}, {"weight", "w_min_max"}, {"out", "out_min_max", true}};
}

/// A running average that gives the old range all the weight.
ParamValues OpticalProbe::steady(ParamValues values) const {
  values.set("q_smooth_factor", 1.0);
  values.set("mode", std::string("track"));
  values.set("stats", std::string("current"));
  return values;
}

std::vector<std::string> OpticalProbe::roles() const {
  return {"x", "weight", "q", "k", "v", "probabilities"};
}

at::Tensor OpticalProbe::encode(const at::Tensor& operand, const ParamValues& values,
                                EncodeCall& call) const {
  const at::NoGradGuard no_gradient;
  const OpticalOptions options = optical_options(values);
  if (options.bypass || operand.numel() == 0) return operand;
  const bool has_floor = call.role == "weight" || call.role == "k" || call.role == "v";
  if (call.role == "probabilities") {
    if (call.range && *call.range != RealPair(0, 1)) {
      fail("bad-value", {"--range"}, "the range of probabilities is always 0, 1", "Leave it out");
    }
    call.range = RealPair(0, 1);
  }
  const at::Tensor exact = dense_values(operand);
  at::Tensor range;
  if (call.range) {
    range = range_tensor(
        {static_cast<float>(call.range->first), static_cast<float>(call.range->second)});
  } else {
    range = observed_range(exact, options.quantiles);
    const at::Tensor seen = range.to(at::kCPU);
    call.range = RealPair(seen.const_data_ptr<float>()[0], seen.const_data_ptr<float>()[1]);
  }
  const float floor = has_floor ? options.floor_at(call.context.step) : 0;
  const OperandQuantiser how{
      .levels = options.levels, .range = range.to(operand.device()), .lut_min = floor};
  return quantised(exact, how).to(call.context.compute_dtype);
}

std::vector<std::string> OpticalProbe::fitted_parameters() const {
  return {"noise", "q_levels", "q_lut_min"};
}

}  // namespace engine::optical_transformer
