// SPDX-License-Identifier: GPL-3.0-or-later
// One operation on given tensors, computed by a paradigm's own layers.
#pragma once

#include "engine/probe/probe_tensors.h"
#include "engine/statistics/probe_report.h"
#include "engine/transform/paradigm.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace engine {

class ProbeSubject {
 public:
  virtual ~ProbeSubject();
  /// y of one optimizer step, as a training pass computes it: for linear and matmul […, N], for
  /// attention [B, H, S_q, D], for tensor the shape of x; in the dtype of the first input.
  virtual at::Tensor draw(std::int64_t step) = 0;
  /// In effect since the first draw.
  virtual std::vector<ProbeRange> ranges() = 0;
  /// What the layers measured in the last draw, by name; mean over several layers.
  virtual std::vector<std::pair<std::string, double>> statistics() { return {}; }
};

/// `values` are effective. Throws Error for shapes that do not fit, dtypes that differ, and unknown
/// ranges and roles.
std::unique_ptr<ProbeSubject> make_probe_subject(const Paradigm& paradigm,
                                                 const ParamValues& values,
                                                 const ProbeConfig& config,
                                                 const ProbeInputs& inputs);

}  // namespace engine
