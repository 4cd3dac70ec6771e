// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/layer_statistics.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

#include <cstddef>
#include <map>

namespace engine {
namespace {

/// All values in one copy from the device. Those of one type are stacked first: a kernel for each
/// of thousands takes longer than the step that they belong to.
std::vector<double> read_all(const std::vector<LayerMeasurement>& measured) {
  std::map<c10::ScalarType, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    places[measured[i].statistic.value.scalar_type()].push_back(i);
  }
  std::vector<at::Tensor> stacks;
  std::vector<std::size_t> order;
  for (const auto& [type, indices] : places) {
    std::vector<at::Tensor> values;
    for (const std::size_t i : indices) values.push_back(measured[i].statistic.value);
    stacks.push_back(at::stack(values).to(at::kDouble));
    order.insert(order.end(), indices.begin(), indices.end());
  }
  const at::Tensor on_host = at::cat(stacks).cpu();
  std::vector<double> numbers(measured.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    numbers[order[i]] = on_host.const_data_ptr<double>()[i];
  }
  return numbers;
}

}  // namespace

std::vector<LayerStat> layer_statistics(Llama& model, const at::Tensor& gradient_norms) {
  const at::NoGradGuard no_gradient;
  const std::vector<LayerMeasurement> measured = model.statistics(gradient_norms);
  if (measured.empty()) return {};
  const std::vector<double> numbers = read_all(measured);
  std::vector<LayerStat> result;
  result.reserve(measured.size());
  for (std::size_t i = 0; i < measured.size(); ++i) {
    result.push_back({measured[i].layer, measured[i].statistic.name, numbers[i]});
  }
  return result;
}

}  // namespace engine
