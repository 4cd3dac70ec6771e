// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/transform/paradigm_probe.h"

namespace engine::optical_transformer {

/// The optical transformer under `paradigm probe`.
class OpticalProbe final : public ParadigmProbe {
 public:
  std::vector<RangeSite> range_sites(LayerKind kind) const override;
  ParamValues steady(ParamValues values) const override;
  bool offers_full_attention() const override { return true; }
  /// x, q, probabilities: levels alone; weight, k, v: also the floor of the look-up table.
  std::vector<std::string> roles() const override;
  at::Tensor encode(const at::Tensor& operand, const ParamValues& values,
                    EncodeCall& call) const override;
  std::vector<std::string> fitted_parameters() const override;
  std::vector<NoiseCheck> self_check(const ParamValues& values,
                                     const SelfCheckCall& call) const override;
};

}  // namespace engine::optical_transformer
