// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/bit_flip_probe.h"

#include "engine/error.h"
#include "engine/paradigms/random_bitflip/bit_flip_linear.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>

#include <memory>
#include <utility>

namespace engine::random_bitflip {

std::vector<std::string> BitFlipProbe::roles() const { return {"x", "weight"}; }

/// A Linear with one feature whose other operand is an exact 1: its output is the operand, flipped.
at::Tensor BitFlipProbe::encode(const at::Tensor& operand, const ParamValues& values,
                                EncodeCall& call) const {
  if (call.range) {
    fail("bad-value", {"--range"}, "random_bitflip has no ranges", "Leave --range out");
  }
  const at::NoGradGuard no_gradient;
  const bool is_weight = call.role == "weight";
  ParamValues one_sided = values;
  for (const char* name : {"p_exp", "p_frac", "zero_out_t"}) {
    one_sided.set((is_weight ? "x_" : "w_") + std::string(name), unset);
  }
  const auto compute = call.context.compute_dtype;
  const at::Tensor column = operand.reshape({-1, 1});
  const at::Tensor one = at::ones({1, 1}, operand.options());
  BitFlipLinear layer(std::make_unique<PlainLinear>(
                          call.layer, (is_weight ? column : one).to(at::kFloat), at::Tensor()),
                      bit_flip_options(one_sided), call.run_seed);
  const at::Tensor y = layer.forward((is_weight ? one : column).to(compute), call.context);
  return y.reshape(operand.sizes());
}

std::vector<std::string> BitFlipProbe::fitted_parameters() const {
  return {"x_p_exp", "x_p_frac", "w_p_exp", "w_p_frac", "x_zero_out_t", "w_zero_out_t"};
}

}  // namespace engine::random_bitflip
