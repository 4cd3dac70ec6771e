// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/linear_layer.h"
#include "engine/paradigms/random_bitflip/bit_flip_options.h"
#include "engine/paradigms/random_bitflip/flipped_linear_function.h"
#include "engine/paradigms/random_bitflip/seen_weights.h"

#include <cstdint>
#include <memory>
#include <optional>
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
  void begin_pass(std::span<LinearLayer* const> layers, const ForwardContext& context) override;
  Extent extent_of_input(const ForwardContext& context) override;
  std::vector<NamedStatistic> statistics() override;
  bool is_capturable(std::int64_t step) const override;
  bool computes_plainly() const override { return options_.x.is_exact() && options_.w.is_exact(); }

 private:
  /// What a pass draws by.
  struct PassTime {
    explicit PassTime(const ForwardContext& context)
        : phase(context.phase),
          step(context.step),
          micro_step(context.micro_step),
          clock(context.clock) {}
    bool operator==(const PassTime&) const = default;

    Phase phase;
    std::int64_t step, micro_step;
    const kernels::NoiseTime* clock;
  };
  struct SeenInPass {
    SeenWeights weights;
    PassTime time;
    Extent range;  ///< where a producer folds in that of their input
  };

  kernels::ElementType storage(const ForwardContext& context) const;
  std::uint64_t key(std::uint64_t seed, std::uint64_t of_role, bool is_of_evaluation) const;
  OperandFlips weight_flips(const ForwardContext& context) const;
  OperandFlips input_flips(const at::Tensor& x, const ForwardContext& context) const;
  LinearFlips flips_of(const at::Tensor& x, const ForwardContext& context);
  void measure(const at::Tensor& x, const LinearFlips& flips);
  static std::vector<FlippingWeight> weights_of(std::span<BitFlipLinear* const> layers,
                                                const ForwardContext& context);
  /// The weights of `layers`, this one the first: from the begin of the pass, or made now.
  SeenWeights take_seen(const std::vector<BitFlipLinear*>& layers, const ForwardContext& context);

  std::unique_ptr<LinearLayer> original_;
  BitFlipOptions options_;
  std::uint64_t run_seed_;
  std::uint64_t layer_id_;
  UpstreamAdvance x_advance_;
  UpstreamAdvance w_advance_;
  std::vector<NamedStatistic> measured_;
  std::vector<BitFlipLinear*> together_;  ///< computed in one product last time, this the first
  std::optional<SeenInPass> seen_;        ///< their weights, from the begin of a pass until used
};

}  // namespace engine::random_bitflip
