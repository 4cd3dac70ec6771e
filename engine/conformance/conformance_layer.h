// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/conformance/paradigm_conformance.h"
#include "engine/model/attention_core.h"
#include "engine/model/linear_layer.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace engine {

/// A Linear or an attention behind one face: up to three inputs and the parameters in, one output
/// out. Small and of odd sizes, so that tails are met.
class ConformanceLayer {
 public:
  virtual ~ConformanceLayer();
  virtual at::Tensor forward(const ForwardContext& context,
                             const std::vector<at::Tensor>& inputs) = 0;
  virtual std::vector<NamedState> state() = 0;
  virtual std::vector<NamedStatistic> statistics() = 0;
  virtual std::vector<at::Tensor> parameters() { return {}; }
  /// Batch first, fp32, the same on every device.
  virtual std::vector<at::Tensor> inputs(std::int64_t batch, std::uint64_t seed) const = 0;
  virtual std::vector<std::int64_t> output_shape(std::int64_t batch) const = 0;
  virtual bool is_transformed() const = 0;
  virtual std::string name() const = 0;
};

std::unique_ptr<ConformanceLayer> plain_layer(const ConformanceCase& subject);
/// A replacement of the plain layer under `values`, which must be effective.
std::unique_ptr<ConformanceLayer> simulated_layer(const ConformanceCase& subject,
                                                  const ParamValues& values,
                                                  std::uint64_t run_seed = 42);

}  // namespace engine
