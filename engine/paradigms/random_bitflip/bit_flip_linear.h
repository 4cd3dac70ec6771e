// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/linear_layer.h"
#include "engine/paradigms/random_bitflip/bit_flip_options.h"
#include "engine/paradigms/random_bitflip/flipped_linear_function.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace engine::random_bitflip {

/// How far upstream's seeds of one operand have moved.
struct UpstreamAdvance {
  std::uint64_t exponent = 0;
  std::uint64_t fraction = 0;
};

/// y = flip(x)·flip(W)ᵀ + b (README, eq. 2)
class BitFlipLinear final : public LinearLayer {
 public:
  BitFlipLinear(std::unique_ptr<LinearLayer> original, const BitFlipOptions& options,
                std::uint64_t run_seed);

  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override;
  JointOutput joint_product(std::span<LinearLayer* const> layers, const LayerInput& input,
                            const ForwardContext& context) override;
  std::vector<NamedStatistic> statistics() override;
  bool is_capturable(std::int64_t step) const override;
  bool computes_plainly() const override { return options_.x.is_exact() && options_.w.is_exact(); }

 private:
  LinearFlips flips_of(const at::Tensor& x, const ForwardContext& context);

  std::unique_ptr<LinearLayer> original_;
  BitFlipOptions options_;
  std::uint64_t run_seed_;
  std::uint64_t layer_id_;
  UpstreamAdvance x_advance_;
  UpstreamAdvance w_advance_;
  std::vector<NamedStatistic> measured_;
};

}  // namespace engine::random_bitflip
