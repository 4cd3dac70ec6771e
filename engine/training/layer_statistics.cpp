// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/layer_statistics.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>

namespace engine {

std::vector<LayerStat> layer_statistics(Llama& model, const at::Tensor& gradient_norms) {
  const at::NoGradGuard no_gradient;
  const std::vector<LayerMeasurement> measured = model.statistics(gradient_norms);
  if (measured.empty()) return {};
  std::vector<at::Tensor> values;
  values.reserve(measured.size());
  for (const LayerMeasurement& each : measured)
    values.push_back(each.statistic.value.detach().reshape({}).to(at::kDouble));
  const at::Tensor on_host = at::stack(values).cpu();
  const double* numbers = on_host.const_data_ptr<double>();

  std::vector<LayerStat> result;
  result.reserve(measured.size());
  for (std::size_t i = 0; i < measured.size(); ++i)
    result.push_back({measured[i].layer, measured[i].statistic.name, numbers[i]});
  return result;
}

}  // namespace engine
