// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/layer_subject.h"

#include "engine/error.h"

#include <algorithm>

namespace engine {

[[noreturn]] void bad_shapes(const ProbeConfig& config, const std::string& message,
                             const std::string& remedy) {
  fail("shape-mismatch", {config.input}, message, remedy);
}

ForwardContext probe_context(std::int64_t step, c10::ScalarType dtype) {
  ForwardContext context;
  context.phase = Phase::train;
  context.compute_dtype = dtype;
  context.step = step;
  context.measure = true;
  return context;
}

ReplaceContext probe_replace_context(const ProbeConfig& config, const at::Tensor& operand) {
  return {static_cast<std::uint64_t>(config.seed), operand.device()};
}

void StatisticMeans::add(const std::vector<NamedStatistic>& statistics) {
  for (const NamedStatistic& statistic : statistics) {
    auto found = std::find_if(sums_.begin(), sums_.end(),
                              [&](const Sum& sum) { return sum.name == statistic.name; });
    if (found == sums_.end()) found = sums_.insert(found, {statistic.name, 0, 0});
    found->sum += statistic.value.to(at::kCPU, at::kDouble).item<double>();
    ++found->count;
  }
}

std::vector<std::pair<std::string, double>> StatisticMeans::means() const {
  std::vector<std::pair<std::string, double>> means;
  for (const Sum& sum : sums_) {
    means.emplace_back(sum.name, sum.sum / static_cast<double>(sum.count));
  }
  return means;
}

}  // namespace engine
