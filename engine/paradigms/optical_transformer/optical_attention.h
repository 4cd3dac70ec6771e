// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/attention_core.h"
#include "engine/paradigms/optical_transformer/optical_attention_function.h"
#include "engine/paradigms/optical_transformer/optical_options.h"
#include "engine/paradigms/optical_transformer/range_tracker.h"

#include <memory>
#include <vector>

namespace engine::optical_transformer {

/// The two matmuls of causal attention on optical hardware (README, eq. 4).
class OpticalAttention final : public AttentionCore {
 public:
  OpticalAttention(std::unique_ptr<AttentionCore> original, const OpticalOptions& options,
                   std::uint64_t run_seed);

  at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const ForwardContext& context) override;
  std::vector<NamedState> simulation_state() override;

 private:
  AttentionCall describe(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         const ForwardContext& context) const;
  at::Tensor observe_plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const ForwardContext& context);
  void observe_operands(const AttentionOperands& exact);
  void compute(const AttentionOperands& exact, const ForwardContext& context,
               AttentionResult& result);

  std::unique_ptr<AttentionCore> original_;
  OpticalOptions options_;
  std::uint64_t run_seed_;
  RangeTracker query_range_;
  RangeTracker key_range_;
  RangeTracker qk_range_;
  RangeTracker value_range_;
  RangeTracker av_range_;
  RangeTracker probability_range_;  // (0, 1) always; state only because upstream keeps it
  kernels::Range last_qk_range_;    // what a recomputed forward has to repeat
  kernels::Range last_av_range_;
};

}  // namespace engine::optical_transformer
