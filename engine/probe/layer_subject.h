// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/probe/probe_ranges.h"
#include "engine/probe/probe_subject.h"

#include <c10/core/ScalarType.h>

namespace engine {

/// Throws Error{shape-mismatch} that names the input file.
[[noreturn]] void bad_shapes(const ProbeConfig& config, const std::string& message,
                             const std::string& remedy);

/// The pass of training that a draw is.
ForwardContext probe_context(std::int64_t step, c10::ScalarType dtype);

ReplaceContext probe_replace_context(const ProbeConfig& config, const at::Tensor& operand);

/// Sums the statistics of layers and draws by name, in the order of their first appearance.
class StatisticMeans {
 public:
  void add(const std::vector<NamedStatistic>& statistics);
  std::vector<std::pair<std::string, double>> means() const;

 private:
  struct Sum {
    std::string name;
    double sum;
    std::int64_t count;
  };
  std::vector<Sum> sums_;
};

/// A subject that computes by layers of the paradigm: one, or several that share their ranges.
template <typename Layer>
class LayerSubject : public ProbeSubject {
 public:
  std::vector<ProbeRange> ranges() override {
    return used_ranges(layers_.front()->simulation_state(), choice_, config_.paradigm);
  }
  std::vector<std::pair<std::string, double>> statistics() override {
    StatisticMeans means;
    for (const auto& layer : layers_) means.add(layer->statistics());
    return means.means();
  }

 protected:
  LayerSubject(const Paradigm& paradigm, LayerKind kind, const ProbeConfig& config)
      : config_(config),
        choice_(paradigm.probe()->range_sites(kind), config.ranges, paradigm.id()) {}

  void add(std::unique_ptr<Layer> layer) {
    write_fixed_ranges(layer->simulation_state(), choice_, config_.paradigm);
    layers_.push_back(std::move(layer));
  }

  const ProbeConfig& config_;
  RangeChoice choice_;
  std::vector<std::unique_ptr<Layer>> layers_;  // at least one once the subject is made
};

}  // namespace engine
