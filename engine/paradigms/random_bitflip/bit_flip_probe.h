// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/transform/paradigm_probe.h"

namespace engine::random_bitflip {

/// Random bit flips under `paradigm probe`: all of it through the layer that trains.
class BitFlipProbe final : public ParadigmProbe {
 public:
  std::vector<std::string> roles() const override;
  at::Tensor encode(const at::Tensor& operand, const ParamValues& values,
                    EncodeCall& call) const override;
  std::vector<std::string> fitted_parameters() const override;
  /// At the probabilities of `values`, or at 2^-4 and 2^-12 on all fields when it has none.
  std::vector<NoiseCheck> self_check(const ParamValues& values,
                                     const SelfCheckCall& call) const override;
};

}  // namespace engine::random_bitflip
