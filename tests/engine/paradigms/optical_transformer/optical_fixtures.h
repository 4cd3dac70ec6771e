// SPDX-License-Identifier: GPL-3.0-or-later
// Layers of the optical transformer as a rule would make them, and slow double-precision doubles of
// its quantisers.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/model/attention_core.h"
#include "engine/model/linear_layer.h"
#include "engine/transform/paradigm.h"
#include "engine/transform/paradigm_info.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace engine::optical_fixtures {

using Values = std::vector<std::pair<std::string, ParamValue>>;

inline std::shared_ptr<Paradigm> optical_paradigm() {
  for (const auto& paradigm : all_paradigms()) {
    if (paradigm->id() == "optical_transformer") return paradigm;
  }
  return nullptr;
}

inline ParamValues optical_values(const Values& given, LayerKind kind) {
  const std::vector<ParadigmInfo> infos = paradigm_infos();
  ParamValues values;
  for (const auto& [name, value] : given) values.set(name, value);
  return find_paradigm(infos, "optical_transformer")->effective_values(values, kind);
}

inline std::unique_ptr<LinearLayer> optical_linear(
    const at::Tensor& weight, const at::Tensor& bias, const Values& given = {},
    const std::string& name = "model.layers.0.mlp.up_proj", std::uint64_t run_seed = 42) {
  return optical_paradigm()->replace(std::make_unique<PlainLinear>(name, weight, bias),
                                     optical_values(given, LayerKind::linear), {run_seed});
}

inline std::unique_ptr<AttentionCore> optical_attention(
    const AttentionShape& shape, const Values& given = {},
    const std::string& name = "model.layers.0.self_attn") {
  return optical_paradigm()->replace(std::make_unique<PlainAttention>(name, shape),
                                     optical_values(given, LayerKind::attention), {42});
}

inline ForwardContext training(std::int64_t step = 0, std::int64_t micro_step = 0) {
  ForwardContext context;
  context.phase = Phase::train;
  context.step = step;
  context.micro_step = micro_step;
  return context;
}

inline ForwardContext evaluation() { return {}; }

inline ForwardContext calibration() {
  ForwardContext context;
  context.phase = Phase::calibrate;
  return context;
}

inline at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed, double sigma = 1.0) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator) * sigma;
}

/// The state tensor called `name`.
template <typename Layer>
at::Tensor state_of(Layer& layer, const std::string& name) {
  for (const NamedState& state : layer.simulation_state()) {
    if (state.name == name) return state.tensor;
  }
  return {};
}

template <typename Layer>
void set_range(Layer& layer, const std::string& name, float lo, float hi) {
  state_of(layer, name).copy_(at::tensor({lo, hi}));
}

template <typename Layer>
std::vector<at::Tensor> copy_of_state(Layer& layer) {
  std::vector<at::Tensor> copies;
  for (const NamedState& state : layer.simulation_state()) copies.push_back(state.tensor.clone());
  return copies;
}

inline Values joined(Values a, const Values& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The statistic called `name` of the last measured forward; NaN when there is none.
template <typename Layer>
double statistic(Layer& layer, const std::string& name) {
  for (const NamedStatistic& each : layer.statistics()) {
    if (each.name == name) return each.value.template item<double>();
  }
  return std::numeric_limits<double>::quiet_NaN();
}

inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && at::equal(a, b);
}

/// The quantiser in double precision, without noise; `floor` as a fraction of each side's end.
inline at::Tensor quantised_double(const at::Tensor& x, double lo, double hi, int levels,
                                   double floor = 0) {
  const double n = levels - 1;
  const double r = hi - lo;
  at::Tensor y = at::round((x.to(at::kDouble).clamp(lo, hi) - lo) / (r + 1e-8) * n) / n * r + lo;
  const double positive = floor * hi;
  const double negative = floor * std::abs(lo);
  y = at::where((y > 0).logical_and(y < positive), at::full_like(y, positive), y);
  return at::where((y < 0).logical_and(y > -negative), at::full_like(y, -negative), y);
}

inline std::pair<double, double> range_of(const at::Tensor& x) {
  return {x.min().item<double>(), x.max().item<double>()};
}

}  // namespace engine::optical_fixtures
